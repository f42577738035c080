"""The theme of Django admin (django-unfold) in uHub's colours, and django-auditlog."""

from __future__ import annotations

from config.settings.parts.admin_navigation import NAVIGATION

UNFOLD = {
    "SITE_TITLE": "uHub",
    "SITE_HEADER": "uHub",
    "SITE_URL": "/",
    "BORDER_RADIUS": "14px",
    "SHOW_VIEW_ON_SITE": False,
    "THEME": "dark",
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": NAVIGATION,
    },
    "COLORS": {
        "base": {
            "50": "246 250 248",
            "100": "233 240 236",
            "200": "214 224 219",
            "300": "181 196 188",
            "400": "140 157 149",
            "500": "98 117 107",
            "600": "67 83 75",
            "700": "40 54 47",
            "800": "19 27 23",
            "900": "13 19 16",
            "950": "3 5 4",
        },
        "primary": {
            "50": "232 255 244",
            "100": "203 255 230",
            "200": "151 253 206",
            "300": "92 248 178",
            "400": "61 245 160",
            "500": "30 228 138",
            "600": "15 191 116",
            "700": "8 122 71",
            "800": "5 101 58",
            "900": "4 74 44",
            "950": "2 19 10",
        },
    },
}

AUDITLOG_MASK_CALLABLE = "portal.kernel.models.mask_secret"
AUDITLOG_INCLUDE_ALL_MODELS = False
