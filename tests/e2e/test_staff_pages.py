"""Pages for staff of the platform, who may belong to no organisation."""

from __future__ import annotations

import pytest

from tests.conftest import World
from tests.e2e.browser import Watch, overflow_px
from tests.e2e.conftest import OpenPage
from tests.factories.accounts import UserFactory


@pytest.fixture
def staff(world: World) -> None:
    world.people["staff"] = UserFactory(username="staff", is_staff=True, is_platform_admin=True)


@pytest.mark.usefixtures("staff")
def test_staff_without_an_organisation_have_a_dashboard(open_page: OpenPage) -> None:
    page = open_page("/", role="staff")
    assert "member of no organisation" in page.locator(".head").inner_text()
    assert page.locator(".switcher").count() == 0


@pytest.mark.usefixtures("staff")
def test_staff_find_the_administration_in_their_menu(open_page: OpenPage) -> None:
    page = open_page("/", role="staff")
    page.locator("summary.user").click()
    assert page.get_by_role("link", name="Administration").get_attribute("href") == "/admin/"


def test_nobody_else_finds_it(open_page: OpenPage) -> None:
    page = open_page("/", role="admin")
    page.locator("summary.user").click()
    assert page.get_by_role("link", name="Administration").count() == 0


@pytest.mark.parametrize("path", ["/no-such-page", "/deployments/0197-no-id"])
def test_what_does_not_exist_is_told_in_our_own_words(
    open_page: OpenPage, watch: Watch, path: str
) -> None:
    watch.expected_statuses = {404}
    page = open_page(path)
    assert page.get_by_role("heading", level=1).inner_text() == "Not found"
    assert overflow_px(page) == 0
