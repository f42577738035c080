"""How the installation calls itself and looks: name and colour from the settings, for pages and mails."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from portal.kernel.settings import setting_definition
from portal.logic.brand_colours import brand_styles
from portal.logic.brand_icon import brand_icon
from portal.services.settings import setting_get

STYLES_PATH: Final = "/brand.css"
ICON_PATH: Final = "/brand.svg"
_COLOUR: Final = "platform.primary_color"
_NAME: Final = "platform.brand_name"
_VERSION_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Brand:
    """The addresses are empty while the colour is the one that style sheets and icon are made for."""

    name: str
    colour: str
    styles_url: str
    icon_url: str


_known: list[Brand] = []


def brand() -> Brand:
    """The brand in force."""
    found = _brand(str(setting_get(_NAME)), str(setting_get(_COLOUR)).lower())
    _known[:] = [found]
    return found


def brand_known() -> Brand:
    """What this process saw last, for pages that must not ask the database."""
    defaults = (setting_definition(name).default for name in (_NAME, _COLOUR))
    return _known[0] if _known else _brand(*defaults)


def version_of(content: str) -> str:
    """What changes when a style sheet or an icon does."""
    return hashlib.sha256(content.encode()).hexdigest()[:_VERSION_LENGTH]


@lru_cache(maxsize=8)
def _brand(name: str, colour: str) -> Brand:
    if colour == setting_definition(_COLOUR).default:
        return Brand(name, colour, "", "")
    styles, icon = version_of(brand_styles(colour)), version_of(brand_icon(colour))
    return Brand(name, colour, f"{STYLES_PATH}?v={styles}", f"{ICON_PATH}?v={icon}")
