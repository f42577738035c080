"""The platform in Django admin: people, roles and memberships through services, the rest to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from auditlog.models import LogEntry
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from audit.models import Entry
from portal.kernel.authz import permission_specs
from portal.kernel.web.admin import ReadOnlyAdmin, ServiceAdmin, acting
from portal.kernel.web.admin_words import name_for_people
from portal.models import (
    Membership,
    Operation,
    Role,
    Schedule,
    Team,
    TeamMember,
    User,
    Worker,
)
from portal.services import accounts, members
from portal.services.roles import assignable_permissions, role_save

admin.site.unregister(Group)
admin.site.unregister(LogEntry)

for _model in (Role, Membership, Team):
    name_for_people(_model)
name_for_people(Operation, _("operation"), _("operations"))
name_for_people(Schedule, _("periodic work"), _("periodic work"))
name_for_people(Worker, _("worker"), _("workers"))
name_for_people(Entry, _("audit entry"), _("audit entries"))


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person; a password given here is the first one and must be replaced at the next sign-in."""

    new_password = forms.CharField(
        label=_("New first password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave it empty to keep the password. The person must replace it at once."),
    )

    class Meta:
        model = User
        fields = accounts.STAFF_FIELDS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance._state.adding and not cleaned.get("new_password"):
            self.add_error("new_password", _("A new person needs a first password."))
        return cleaned


@admin.register(User)
class UserAdmin(ServiceAdmin):
    """People are deactivated, never deleted."""

    form = UserForm
    list_display = (
        "username",
        "display_name",
        "email",
        "is_active",
        "is_platform_admin",
        "last_login",
    )
    list_filter = ("is_active", "is_platform_admin")
    search_fields = ("username", "display_name", "email")
    readonly_fields = ("last_login", "password_changed_at", "created_at")

    def create(self, values: dict[str, Any]) -> User:
        fields = {name: values[name] for name in accounts.STAFF_FIELDS if name in values}
        fields["must_change_password"] = True
        return accounts.user_create(actor=acting(), password=values["new_password"], **fields)

    def update(self, obj: User, values: dict[str, Any]) -> User:
        user = accounts.user_update(actor=acting(), user_id=obj.pk, changes=values)
        if values.get("new_password"):
            user = accounts.password_reset(
                actor=acting(), user_id=obj.pk, password=values["new_password"]
            )
        return user


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role and its permissions as check boxes."""

    permissions = forms.MultipleChoiceField(
        label=_("permissions"),
        required=False,
        choices=lambda: [
            (name, f"{name} — {permission_specs()[name].label}")
            for name in assignable_permissions()
        ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    class Meta:
        model = Role
        fields = ("code", "name", "permissions")


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    """What a role may do; members feel a change with their next request."""

    form = RoleForm
    list_display = ("code", "name", "updated_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def create(self, values: dict[str, Any]) -> Role:
        return role_save(actor=acting(), **values)

    def update(self, obj: Role, values: dict[str, Any]) -> Role:
        return role_save(
            actor=acting(), code=obj.code, name=values["name"], permissions=values["permissions"]
        )


@admin.register(Membership)
class MembershipAdmin(ServiceAdmin):
    """Who belongs to which organisation, as what."""

    list_display = ("user", "tenant", "role", "created_at")
    list_filter = ("role", "tenant")
    search_fields = ("user__username", "tenant__slug")
    list_select_related = ("user", "tenant", "role")
    fields = ("user", "tenant", "role")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return ("user", "tenant") if obj else ()

    def create(self, values: dict[str, Any]) -> Membership:
        return self._set(values["user"].pk, values["tenant"].pk, values)

    def update(self, obj: Membership, values: dict[str, Any]) -> Membership:
        return self._set(obj.user_id, obj.tenant_id, values)

    def remove(self, obj: Membership) -> None:
        members.membership_remove(actor=acting(), membership_id=obj.pk)

    def _set(self, user_id: Any, tenant_id: Any, values: dict[str, Any]) -> Membership:
        return members.membership_set(
            actor=acting(), user_id=user_id, tenant_id=tenant_id, role_code=values["role"].code
        )


class TeamMemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who is in a team."""

    model = TeamMember
    fields = ("user", "created_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    """Teams of all organisations; their administrators make and change them through the API."""

    list_display = ("name", "slug", "tenant", "updated_at")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    search_fields = ("name", "slug")
    inlines = (TeamMemberInline,)


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """The ledger of all tenants."""

    list_display = ("type", "status", "tenant_id", "queue", "attempts", "scheduled_at", "worker")
    list_filter = ("status", "queue", "type")
    search_fields = ("id", "target_id")


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Periodic work."""


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Processes that run operations."""

    list_display = ("name", "queue", "status", "last_heartbeat_at")


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """The audit of all tenants and of the platform."""

    list_display = ("created_at", "tag", "outcome", "actor_label", "target_label", "tenant_id")
    list_filter = ("category", "outcome")
    search_fields = ("tag", "actor_label", "target_label", "target_id", "request_id")
    ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Field by field, what was edited here."""

    list_display = ("timestamp", "action", "content_type", "object_repr", "actor", "remote_addr")
    list_select_related = ("content_type", "actor")
