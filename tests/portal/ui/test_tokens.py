"""Contrast of every pair of colours that a component uses; browsers' checkers cannot judge gradients."""

from __future__ import annotations

import pytest

from tests.portal.ui.palette import card, colour, contrast, over, split, tokens

THEMES = ("dark", "light")
HUES = ("ok", "info", "warn", "danger", "violet", "idle")
TEXT, GRAPHIC = 4.5, 3.0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["text-1", "text-2", "text-3", "accent", *HUES])
@pytest.mark.parametrize("surface", ["bg", "panel", "card", "surface-2", "surface-3"])
def test_text_is_readable_on_every_surface(theme: str, text: str, surface: str) -> None:
    palette = tokens(theme)
    back = card(theme) if surface == "card" else colour(palette[surface])
    assert contrast(colour(palette[text]), back) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", HUES)
def test_a_badge_is_readable_on_its_own_tint(theme: str, hue: str) -> None:
    front = colour(tokens(theme)[hue])
    assert contrast(front, over(front, 0.11, card(theme))) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("end", ["accent-fill", "accent-fill-2"])
def test_the_primary_button_is_readable_at_both_ends(theme: str, end: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette["on-accent"]), colour(palette[end])) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["text-2", "text-3"])
def test_the_side_bar_is_readable_over_the_brightest_blob(theme: str, text: str) -> None:
    palette = tokens(theme)
    back = over(*split(palette["blob-1"]), colour(palette["bg"]))
    assert contrast(colour(palette[text]), back) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("surface", ["surface-1", "surface-2", "surface-3"])
def test_edges_of_inputs_are_visible(theme: str, surface: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette["line-ui"]), colour(palette[surface])) >= GRAPHIC


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("back", ["bg", "panel"])
def test_the_focus_ring_is_visible(theme: str, back: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette["accent"]), colour(palette[back])) >= GRAPHIC


@pytest.mark.parametrize("theme", THEMES)
def test_progress_stands_out_of_its_track(theme: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette["accent-fill"]), colour(palette["surface-3"])) >= GRAPHIC
