"""axe-core finds nothing on any page, in both themes; all sizes and languages in the soak."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Page

from portal.models import User
from tests.e2e.accessibility import axe_violations
from tests.e2e.browser import DESKTOP, PHONE, overflow_px
from tests.e2e.catalogue import Sight
from tests.e2e.conftest import Look

_SIZES = {"desktop": DESKTOP, "phone": PHONE}


def _faults(page: Page, sight: Sight) -> list[str]:
    return axe_violations(page, shows_twice=sight.name == "components")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_on_any_page(sights: list[Sight], look: Look, theme: str) -> None:
    User.objects.using("platform").update(theme=theme)
    found = {sight.name: _faults(look(sight), sight) for sight in sights}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.soak
@pytest.mark.parametrize(
    ("theme", "size", "language"), list(product(["dark", "light"], _SIZES, ["en", "fr"]))
)
def test_axe_finds_nothing_in_the_whole_cross(
    sights: list[Sight], look: Look, theme: str, size: str, language: str
) -> None:
    User.objects.using("platform").update(theme=theme, language=language)
    found = {sight.name: _faults(look(sight, size=_SIZES[size]), sight) for sight in sights}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_no_page_scrolls_sideways_on_a_phone(sights: list[Sight], look: Look) -> None:
    wide = {sight.name: overflow_px(look(sight, size=PHONE)) for sight in sights}
    assert {name: px for name, px in wide.items() if px} == {}


def test_no_page_scrolls_sideways_at_twice_the_size(sights: list[Sight], look: Look) -> None:
    """A window of 1440 pixels zoomed to 200 % has 720 of them."""
    wide = {sight.name: overflow_px(look(sight, size=(720, 450))) for sight in sights}
    assert {name: px for name, px in wide.items() if px} == {}
