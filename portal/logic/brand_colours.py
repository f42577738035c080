"""Accent tokens of both themes from the one colour of the brand, readable whatever that colour is.

Text in the accent keeps 4.5:1 on every surface it stands on and on its own tint; fills of buttons and bars
keep 4.5:1 to their text and 3:1 to their track; glows and blobs fade until the texts over them keep 4.5:1.
The surfaces are those of `tokens.css`; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from portal.logic.colours import (
    GRAPHIC_RATIO,
    TEXT_RATIO,
    WHITE,
    Colour,
    contrast,
    guarded,
    lightness_of,
    lit,
    over,
    parsed,
    translucent,
    written,
)

_FADES: Final = 40
_ON_ACCENT_LIGHTNESS: Final = 0.04
_BLOB_LIGHTNESS: Final = 0.5
_LIGHTNESS: Final = {
    "50": 0.96,
    "100": 0.9,
    "200": 0.8,
    "300": 0.72,
    "800": 0.18,
    "900": 0.14,
    "950": 0.05,
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What accents of one theme stand on: `surfaces` from tokens.css, and how much glow they bear."""

    is_dark: bool
    surfaces: tuple[str, ...]
    bg: str
    panel: str
    track: str
    text_3: str
    soft: float
    line: float
    glow: float
    blob: float


DARK: Final = Ground(
    is_dark=True,
    surfaces=("#030504", "#080c0a", "#0d1310", "#131b17", "#1b2620"),
    bg="#030504",
    panel="#080c0a",
    track="#1b2620",
    text_3="#8c9d95",
    soft=0.12,
    line=0.34,
    glow=0.42,
    blob=0.26,
)
LIGHT: Final = Ground(
    is_dark=False,
    surfaces=("#e9f0ec", "#f8fbf9", "#ffffff", "#f0f5f2", "#e2eae6"),
    bg="#e9f0ec",
    panel="#f8fbf9",
    track="#e2eae6",
    text_3="#51615a",
    soft=0.10,
    line=0.34,
    glow=0.45,
    blob=0.34,
)


def brand_tokens(colour: str, ground: Ground) -> dict[str, str]:
    """Custom properties of a theme by name."""
    brand = parsed(colour)
    accent = guarded(brand, _is_readable_on(ground), is_lighter=ground.is_dark)
    on_accent = lit(brand, _ON_ACCENT_LIGHTNESS) if ground.is_dark else WHITE
    carries = _carries(on_accent, parsed(ground.track))
    fill = guarded(_shade(accent, 0.92), carries, is_lighter=ground.is_dark)
    fill_2 = guarded(_shade(fill, 0.8), carries, is_lighter=ground.is_dark)
    chart = guarded(brand, _stands_out(ground), is_lighter=ground.is_dark)
    glow = translucent(accent, ground.glow)
    blob = fill if ground.is_dark else lit(brand, max(_BLOB_LIGHTNESS, lightness_of(brand)))
    return {
        "accent": written(accent),
        "accent-fill": written(fill),
        "accent-fill-2": written(fill_2),
        "on-accent": written(on_accent),
        "accent-soft": translucent(accent, ground.soft),
        "accent-line": translucent(accent, ground.line),
        "glow": f"0 0 0 1px {translucent(accent, 0.22)}, 0 10px 44px -10px {glow}",
        "blob-1": translucent(blob, _blob_opacity(blob, ground)),
        "chart-1": written(chart),
    }


@lru_cache(maxsize=8)
def brand_styles(colour: str) -> str:
    """The style sheet of the brand: the tokens of `tokens.css` that depend on its colour."""
    dark, light = (_declarations(brand_tokens(colour, ground)) for ground in (DARK, LIGHT))
    return (
        f":root{{{dark}}}\n"
        f'[data-theme="light"]{{{light}}}\n'
        f'@media (prefers-color-scheme:light){{[data-theme="system"]{{{light}}}}}\n'
    )


def brand_scale(colour: str) -> dict[str, str]:
    """The brand in eleven weights for Django admin, which writes in 500 on dark, and white on 600."""
    brand = parsed(colour)
    dark, light = (brand_tokens(colour, ground) for ground in (DARK, LIGHT))
    weights = {weight: lit(brand, lightness) for weight, lightness in _LIGHTNESS.items()}
    weights |= {"400": parsed(dark["accent"]), "500": parsed(dark["accent"])}
    weights |= {"600": parsed(light["accent-fill"]), "700": parsed(light["accent-fill-2"])}
    return {weight: "{} {} {}".format(*weights[weight]) for weight in sorted(weights, key=int)}


def _declarations(tokens: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in tokens.items())


def _shade(colour: Colour, part: float) -> Colour:
    return lit(colour, lightness_of(colour) * part)


def _is_readable_on(ground: Ground) -> Callable[[Colour], bool]:
    surfaces = [parsed(surface) for surface in ground.surfaces]

    def fits(colour: Colour) -> bool:
        tints = (over(colour, ground.soft, surface) for surface in surfaces)
        return all(contrast(colour, back) >= TEXT_RATIO for back in (*surfaces, *tints))

    return fits


def _carries(text: Colour, track: Colour) -> Callable[[Colour], bool]:
    def fits(colour: Colour) -> bool:
        return contrast(colour, text) >= TEXT_RATIO and contrast(colour, track) >= GRAPHIC_RATIO

    return fits


def _stands_out(ground: Ground) -> Callable[[Colour], bool]:
    surfaces = [parsed(surface) for surface in ground.surfaces]
    return lambda colour: all(contrast(colour, back) >= GRAPHIC_RATIO for back in surfaces)


def _blob_opacity(blob: Colour, ground: Ground) -> float:
    """As much of the blob as the faintest text over it bears."""
    text, back = parsed(ground.text_3), parsed(ground.bg)
    for step in range(_FADES):
        opacity = round(ground.blob * (1 - step / _FADES), 2)
        if contrast(text, over(blob, opacity, back)) >= TEXT_RATIO:
            return opacity
    return 0.0
