"""The icon of a page's tab in the colour of the brand: the sign stays readable on its tile."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from portal.logic.brand_colours import DARK, brand_tokens

# The shape of `portal/frontend/images/icon.svg`, which pages have while the colour is the usual one.
_ICON: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <rect width="32" height="32" rx="10" fill="{tile}"/>
  <path d="M16 7l8 4.6v9L16 25l-8-4.4v-9z" fill="none" stroke="{sign}" stroke-width="2.6" stroke-linejoin="round"/>
</svg>
"""


@lru_cache(maxsize=8)
def brand_icon(colour: str) -> str:
    """The picture, whose two colours are those of a primary button: 4.5:1 to each other."""
    tokens = brand_tokens(colour, DARK)
    return _ICON.format(tile=tokens["accent-fill"], sign=tokens["on-accent"])
