"""The colours of the design tokens as numbers, and WCAG contrast between them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOKENS = ROOT / "portal/frontend/css/tokens.css"
Colour = tuple[float, float, float]
WHITE: Colour = (255, 255, 255)


def tokens(theme: str) -> dict[str, str]:
    """Custom properties of a theme; the light one overrides the dark one."""
    css = TOKENS.read_text(encoding="utf-8")
    dark = _block(css, '[data-theme="dark"] {')
    return dark if theme == "dark" else dark | _block(css, '[data-theme="light"] {')


def wanted_contrast(theme: str) -> dict[str, str]:
    """What `prefers-contrast: more` changes in a theme."""
    css = TOKENS.read_text(encoding="utf-8")
    media = css[css.index("@media (prefers-contrast: more)") :]
    rule = media[media.index(f'[data-theme="{theme}"]') :]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", rule[: rule.index("}")]))


def _block(css: str, selector: str) -> dict[str, str]:
    start = css.index(selector)
    body = css[css.index("{", start) : css.index("\n}", start)]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))


def colour(value: str) -> Colour:
    """The opaque part of a hex or rgb() value."""
    return split(value)[0]


def split(value: str) -> tuple[Colour, float]:
    """Colour and opacity of a hex or rgb() value."""
    value = value.partition("/*")[0].strip()
    if value.startswith("#"):
        digits = value[1:] if len(value) == 7 else "".join(2 * digit for digit in value[1:])
        red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
        return (red, green, blue), 1.0
    match = re.match(r"rgb\((\d+) (\d+) (\d+) / ([\d.]+)\)", value)
    assert match, value
    red, green, blue = (int(part) for part in match.groups()[:3])
    return (red, green, blue), float(match[4])


def over(front: Colour, opacity: float, back: Colour) -> Colour:
    """What a translucent colour looks like on another."""
    red, green, blue = (a * opacity + b * (1 - opacity) for a, b in zip(front, back, strict=True))
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """The WCAG ratio, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(value: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in value)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def card(theme: str) -> Colour:
    """The brightest point of a card: the top of its gradient."""
    surface = colour(tokens(theme)["surface-1"])
    return over(WHITE, 0.042, surface) if theme == "dark" else WHITE
