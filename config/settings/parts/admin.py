"""The theme of Django admin (django-unfold) in uHub's colours, and django-auditlog."""

from __future__ import annotations

from config.settings.parts.admin_navigation import NAVIGATION

UNFOLD = {
    "SITE_TITLE": "portal.web.admin_theme.name",
    "SITE_HEADER": "portal.web.admin_theme.name",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "portal.web.admin_theme.icon"},
    ],
    "BORDER_RADIUS": "14px",
    "SHOW_VIEW_ON_SITE": False,
    "THEME": "portal.web.admin_theme.theme",
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": NAVIGATION,
    },
    "COLORS": "portal.web.admin_theme.colours",
}

AUDITLOG_MASK_CALLABLE = "portal.kernel.models.mask_secret"
AUDITLOG_INCLUDE_ALL_MODELS = False
