"""Django admin in the colours, the name and the theme that the rest of the pages wear."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django_vite.templatetags.django_vite import vite_asset_url

from portal.logic.brand_colours import brand_scale
from portal.models import Theme
from portal.services.brand import brand

_BASE: Final = {
    "50": "246 250 248",
    "100": "233 240 236",
    "200": "214 224 219",
    "300": "181 196 188",
    "400": "140 157 149",
    "500": "98 117 107",
    "600": "67 83 75",
    "700": "40 54 47",
    "800": "19 27 23",
    "900": "8 12 10",
    "950": "3 5 4",
}
_FONT: Final = {
    "subtle-light": _BASE["500"],
    "subtle-dark": _BASE["400"],
    "default-light": _BASE["600"],
    "default-dark": _BASE["300"],
    "important-light": _BASE["900"],
    "important-dark": _BASE["100"],
}


def name(_request: HttpRequest) -> str:
    """What stands in the head and in the title."""
    return brand().name


def icon(_request: HttpRequest) -> str:
    """The icon of the tab."""
    return brand().icon_url or vite_asset_url("portal/frontend/images/icon.svg")


def theme(request: HttpRequest) -> str:
    """The person's own; empty lets the page follow the system."""
    chosen = getattr(request.user, "theme", Theme.DARK)
    return "" if chosen == Theme.SYSTEM else str(chosen)


def colours(_request: HttpRequest) -> dict[str, dict[str, str]]:
    """Greys of the design tokens, texts in them, and the brand's scale. Fresh each time: whoever asks writes into it."""
    return {"base": dict(_BASE), "font": dict(_FONT), "primary": brand_scale(brand().colour)}
