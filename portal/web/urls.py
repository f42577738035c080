"""Pages of the platform."""

from __future__ import annotations

from django.urls import path

from portal.web import (
    brand,
    dashboard,
    gallery,
    live,
    metrics,
    notifications,
    operations,
    palette,
    probes,
    profile,
    running,
    saved_filters,
    search,
    sessions,
    sign_in,
    stuck,
    system_health,
    workers,
)
from portal.web.operation_list import OperationList

app_name = "portal"
urlpatterns = [
    path("", dashboard.Dashboard.as_view(), name="dashboard"),
    path("sign-in", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign_out"),
    path("password-change", sign_in.PasswordChange.as_view(), name="password_change"),
    path("profile", profile.Profile.as_view(), name="profile"),
    path(
        "profile/sessions/revoke-others",
        sessions.OtherSessionsRevoke.as_view(),
        name="sessions_revoke_others",
    ),
    path(
        "profile/sessions/<str:session_id>/revoke",
        sessions.SessionRevoke.as_view(),
        name="session_revoke",
    ),
    path("brand.css", brand.BrandStyles.as_view(), name="brand_styles"),
    path("brand.svg", brand.BrandIcon.as_view(), name="brand_icon"),
    path("saved-filters", saved_filters.SavedFilters.as_view(), name="saved_filters"),
    path(
        "saved-filters/<str:filter_id>/<str:action>",
        saved_filters.SavedFilterAction.as_view(),
        name="saved_filter_action",
    ),
    path("theme", profile.ThemeChange.as_view(), name="theme"),
    path("language", profile.LanguageChange.as_view(), name="language"),
    path("tenant", profile.TenantSwitch.as_view(), name="tenant_switch"),
    path("palette", palette.Palette.as_view(), name="palette"),
    path("search", search.Search.as_view(), name="search"),
    path("ui", gallery.Gallery.as_view(), name="gallery"),
    path("ui/figures", gallery.GalleryFigures.as_view(), name="gallery_figures"),
    path("healthz", probes.Health.as_view(), name="healthz"),
    path("readyz", probes.Ready.as_view(), name="readyz"),
    path("stuck-work", stuck.StuckWork.as_view(), name="stuck_work"),
    path("stuck-work/<str:subject>/<str:remedy>", stuck.StuckCure.as_view(), name="stuck_cure"),
    path("system-health", system_health.SystemHealth.as_view(), name="system_health"),
    path(
        "system-health/events/<str:event_id>",
        system_health.SystemEventDetail.as_view(),
        name="system_event",
    ),
    path("metrics", metrics.Metrics.as_view(), name="metrics"),
    path("live", live.Live.as_view(), name="live"),
    path("notifications", notifications.NotificationList.as_view(), name="notification_list"),
    path("notifications/bell", notifications.NotificationBell.as_view(), name="notification_bell"),
    path(
        "notifications/settings",
        notifications.NotificationSettings.as_view(),
        name="notification_settings",
    ),
    path(
        "notifications/read-all",
        notifications.NotificationsRead.as_view(),
        name="notifications_read",
    ),
    path(
        "notifications/<str:notification_id>/read",
        notifications.NotificationRead.as_view(),
        name="notification_read",
    ),
    path("operations", OperationList.as_view(), name="operation_list"),
    path("operations/running", running.RunningOperations.as_view(), name="operations_running"),
    path("operations/replay", operations.OperationsReplay.as_view(), name="operations_replay"),
    path("workers", workers.WorkerList.as_view(), name="worker_list"),
    path("workers/<str:worker_id>/drain", workers.WorkerDrain.as_view(), name="worker_drain"),
    path("workers/<str:worker_id>/resume", workers.WorkerResume.as_view(), name="worker_resume"),
    path(
        "operations/<str:operation_id>",
        operations.OperationDetail.as_view(),
        name="operation_detail",
    ),
    path(
        "operations/<str:operation_id>/log",
        operations.OperationLog.as_view(),
        name="operation_log",
    ),
    path(
        "operations/<str:operation_id>/retry",
        operations.OperationRetry.as_view(),
        name="operation_retry",
    ),
    path(
        "operations/<str:operation_id>/cancel",
        operations.OperationCancel.as_view(),
        name="operation_cancel",
    ),
]
