"""Colours as numbers: contrast as WCAG 2.2 defines it, and lightness that is moved until it suffices.

Source of the formulas: WCAG 2.2, "relative luminance" and "contrast ratio"
(https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio); ratios wanted by 1.4.3 (text) and 1.4.11 (graphics).
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import Final

Colour = tuple[int, int, int]

TEXT_RATIO: Final = 4.5
GRAPHIC_RATIO: Final = 3.0
WHITE: Final[Colour] = (255, 255, 255)
_STEPS: Final = 256


def parsed(text: str) -> Colour:
    """The colour of `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def written(colour: Colour) -> str:
    """`#rrggbb` of a colour."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def translucent(colour: Colour, opacity: float) -> str:
    """The colour in CSS, `opacity` of it."""
    red, green, blue = colour
    return f"rgb({red} {green} {blue} / {opacity:.2f})"


def over(front: Colour, opacity: float, back: Colour) -> Colour:
    """What a translucent colour looks like on another."""
    red, green, blue = (
        round(a * opacity + b * (1 - opacity)) for a, b in zip(front, back, strict=True)
    )
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lit(colour: Colour, lightness: float) -> Colour:
    """The same hue and saturation at another lightness (HSL, 0 to 1)."""
    hue, _, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness)), saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def lightness_of(colour: Colour) -> float:
    """Lightness in HSL, 0 to 1."""
    return (max(colour) + min(colour)) / 510


def guarded(colour: Colour, fits: Callable[[Colour], bool], *, is_lighter: bool) -> Colour:
    """The nearest colour of the same hue that fits, made lighter (or darker) step by step.

    Luminance grows with HSL lightness at a fixed hue and saturation, so the first step that fits is the
    nearest; white (or black) is the last and fits whatever asks for contrast on a dark (or light) ground.
    """
    start, end = lightness_of(colour), 1.0 if is_lighter else 0.0
    if fits(colour):
        return colour
    for step in range(1, _STEPS + 1):
        candidate = lit(colour, start + (end - start) * step / _STEPS)
        if fits(candidate):
            return candidate
    return lit(colour, end)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
