"""The API's documentation in a real browser, under its content security policy."""

from __future__ import annotations

import pytest

from tests.e2e.browser import DESKTOP, PHONE
from tests.e2e.conftest import OpenPage


@pytest.mark.parametrize("size", [DESKTOP, pytest.param(PHONE, marks=pytest.mark.soak)])
def test_documentation_lists_every_operation(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page("/api/docs", role=None, size=size)
    teams = page.locator("#operations-tag-teams, [data-tag='teams']").first
    teams.wait_for()
    assert page.locator(".opblock-tag").count() > 20
    teams.click()
    page.locator(".opblock").first.wait_for()
    assert page.locator(".opblock").count() > 4
