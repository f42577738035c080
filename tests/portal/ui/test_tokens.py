"""Contrast of every pair of colours that a component uses; browsers' checkers cannot judge gradients."""

from __future__ import annotations

import re

import pytest

from tests.portal.ui.palette import (
    ROOT,
    card,
    colour,
    contrast,
    over,
    split,
    tokens,
    wanted_contrast,
)

THEMES = ("dark", "light")
HUES = ("ok", "info", "warn", "danger", "violet", "idle")
ENHANCED, TEXT, GRAPHIC = 7.0, 4.5, 3.0


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


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", HUES)
@pytest.mark.parametrize("surface", ["panel", "surface-2", "surface-3"])
def test_a_badge_is_readable_wherever_it_stands(theme: str, hue: str, surface: str) -> None:
    palette = tokens(theme)
    front = colour(palette[hue])
    assert contrast(front, over(front, 0.11, colour(palette[surface]))) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", ["ok", "danger", "idle"])
def test_a_change_of_a_figure_is_readable_on_its_own_tint(theme: str, hue: str) -> None:
    front = colour(tokens(theme)[hue])
    assert contrast(front, over(front, 0.12, card(theme))) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", HUES)
def test_icons_stand_out_of_their_chips(theme: str, hue: str) -> None:
    front = colour(tokens(theme)[hue])
    assert contrast(front, over(front, 0.13, card(theme))) >= GRAPHIC


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", ["ok", "danger"])
@pytest.mark.parametrize("surface", ["card", "panel"])
def test_what_changed_is_readable_on_its_row(theme: str, hue: str, surface: str) -> None:
    palette = tokens(theme)
    front = colour(palette[hue])
    back = card(theme) if surface == "card" else colour(palette[surface])
    assert contrast(front, over(front, 0.09, back)) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", ["info", "ok", "warn", "danger"])
@pytest.mark.parametrize("text", ["text-1", "text-2"])
def test_an_alert_is_readable_at_its_strongest_end(theme: str, hue: str, text: str) -> None:
    palette = tokens(theme)
    back = over(colour(palette[hue]), 0.15, card(theme))
    assert contrast(colour(palette[text]), back) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("line", ["chart-1", "chart-2", "chart-3", "chart-4", "chart-mute"])
@pytest.mark.parametrize("surface", ["card", "panel"])
def test_charts_stand_out_of_their_ground(theme: str, line: str, surface: str) -> None:
    palette = tokens(theme)
    back = card(theme) if surface == "card" else colour(palette[surface])
    assert contrast(colour(palette[line]), back) >= GRAPHIC


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", ["ok", "info", "warn", "danger", "violet"])
def test_a_ring_stands_out_of_its_track(theme: str, hue: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette[hue]), colour(palette["surface-3"])) >= GRAPHIC


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["text-1", "text-2", "text-3", "danger"])
def test_menus_and_toasts_are_readable_over_what_they_cover(theme: str, text: str) -> None:
    palette = tokens(theme)
    glass, opacity = split(palette["glass"])
    for beneath in ("text-1", "panel", "accent-fill"):
        back = over(glass, opacity, colour(palette[beneath]))
        needed = TEXT if beneath == "panel" else GRAPHIC
        assert contrast(colour(palette[text]), back) >= needed


@pytest.mark.parametrize("theme", THEMES)
def test_a_tick_is_visible_in_its_box(theme: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette["on-accent"]), colour(palette["accent-fill"])) >= GRAPHIC


@pytest.mark.parametrize("theme", THEMES)
def test_the_knob_of_a_switch_is_visible(theme: str) -> None:
    palette = tokens(theme)
    assert contrast(colour(palette["line-ui"]), colour(palette["surface-2"])) >= GRAPHIC


CODE = ["code-1", "code-2", "code-3", "code-string", "code-number", "code-key", "code-word"]


@pytest.mark.parametrize("word", CODE)
def test_code_is_readable(word: str) -> None:
    palette = tokens("dark")
    assert contrast(colour(palette[word]), colour(palette["code"])) >= TEXT


@pytest.mark.parametrize("word", CODE)
def test_a_line_somebody_linked_to_stays_readable(word: str) -> None:
    palette = tokens("dark")
    back = over(colour(palette["accent"]), 0.12, colour(palette["code"]))
    assert contrast(colour(palette[word]), back) >= TEXT


def test_initials_are_readable_on_every_avatar() -> None:
    css = (ROOT / "portal/frontend/css/data.css").read_text("utf-8")
    rules = css[css.index(".avatar {") : css.index(".badge {")]
    ink = colour(re.findall(r"\n    color: (#\w+);", rules)[0])
    ends = [colour(end) for end in re.findall(r"#\w{6}(?=[,)])", rules)]
    assert len(ends) == 8
    assert min(contrast(ink, end) for end in ends) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["text-2", "text-3"])
def test_who_asks_for_more_contrast_gets_it(theme: str, text: str) -> None:
    stronger = colour(wanted_contrast(theme)[text])
    assert contrast(stronger, card(theme)) >= ENHANCED
