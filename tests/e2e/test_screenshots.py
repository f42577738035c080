"""Pictures of every page, dark and light, desktop and phone, into screenshots/ (`make screenshots`)."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page

from portal.models import User
from tests.e2e.browser import DESKTOP, PHONE
from tests.e2e.catalogue import Sight
from tests.e2e.conftest import Look

pytestmark = [pytest.mark.screenshots, pytest.mark.timeout(900)]

FOLDER = Path("screenshots")
TALLEST_PX = 4000
_SIZES = {"desktop": DESKTOP, "phone": PHONE}


def _shoot(page: Page, name: str, size: tuple[int, int]) -> None:
    page.evaluate("document.fonts.ready")
    height = page.evaluate("document.documentElement.scrollHeight")
    # Fixed bars belong at the bottom of the picture, so the window grows instead of the picture.
    page.set_viewport_size({"width": size[0], "height": max(size[1], min(height, TALLEST_PX))})
    page.screenshot(path=FOLDER / f"{name}-{size[0]}.png")
    page.set_viewport_size({"width": size[0], "height": size[1]})


@pytest.mark.parametrize(
    ("theme", "size", "language"), list(product(["dark", "light"], _SIZES, ["en", "fr"]))
)
def test_every_page_has_its_picture(
    sights: list[Sight], look: Look, theme: str, size: str, language: str
) -> None:
    FOLDER.mkdir(exist_ok=True)
    User.objects.using("platform").update(theme=theme, language=language)
    for sight in sights:
        page = look(sight, size=_SIZES[size])
        if sight.role is None:
            page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
            page.reload()
        _shoot(page, f"{sight.name}-{theme}-{language}", _SIZES[size])
    made = list(FOLDER.glob(f"*-{theme}-{language}-{_SIZES[size][0]}.png"))
    assert len(made) == len(sights)
