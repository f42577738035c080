"""The living page of components: complete, in every state, for platform staff."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from portal.kernel.ui import statuses
from portal.models import User
from portal.web.gallery import GROUPS, contract, example
from tests.conftest import World
from tests.portal.ui.sources import TEMPLATES

EXAMPLES = TEMPLATES / "portal/gallery/examples"
COMPONENTS = sorted(path.stem for path in (TEMPLATES / "ui").glob("*.html"))


@pytest.fixture
def staff(world: World) -> Client:
    person = world.people["admin"]
    User.objects.using("platform").filter(pk=person.pk).update(is_platform_admin=True)
    client = Client()
    client.force_login(person)
    return client


def test_every_component_has_an_example() -> None:
    shown = {
        tag.replace("-", "_")
        for path in EXAMPLES.glob("*.html")
        for tag in re.findall(r"<c-([a-z-]+)", path.read_text("utf-8"))
    }
    assert [name for name in COMPONENTS if name not in shown] == []


def test_every_example_is_on_the_page() -> None:
    listed = [name for _label, names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(path.stem for path in EXAMPLES.glob("*.html"))


def test_the_page_shows_every_example_in_both_themes(staff: Client) -> None:
    page = staff.get("/ui").content.decode()
    listed = [name for _label, names in GROUPS.values() for name in names]
    shown = {theme: page.count(f'class="pane" data-theme="{theme}"') for theme in ("dark", "light")}
    assert shown == {"dark": len(listed), "light": len(listed)}


def test_one_theme_can_be_chosen(staff: Client) -> None:
    page = staff.get("/ui?theme=light").content.decode()
    assert ('data-theme="light">' in page, 'class="pane" data-theme="dark"' in page) == (
        True,
        False,
    )


def test_one_component_can_be_chosen(staff: Client) -> None:
    page = staff.get("/ui?only=menu").content.decode()
    assert re.findall(r'class="card specimen" id="(\w+)"', page) == ["menu"]


def test_every_registered_state_is_on_the_page(staff: Client) -> None:
    page = staff.get("/ui?theme=dark").content.decode()
    missing = [
        f"{domain}.{value}"
        for domain, styles in statuses().items()
        for value, style in styles.items()
        if f"{style.label}</span>" not in page
    ]
    assert missing == []


def test_no_id_stands_twice_on_the_page(staff: Client) -> None:
    ids = re.findall(r'\sid="([^"]+)"', staff.get("/ui").content.decode())
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


@pytest.mark.parametrize("path", ["/ui", "/ui/figures?of=cpu"])
@pytest.mark.parametrize("role", ["admin", "viewer"])
def test_the_page_is_for_platform_staff(world: World, path: str, role: str) -> None:
    client = Client()
    client.force_login(world.people[role])
    assert client.get(path).status_code == 403


def test_figures_hold_a_gap(staff: Client) -> None:
    answer = staff.get("/ui/figures?of=cpu").json()
    assert (len(answer["times"]), answer["series"][0]["values"].count(None)) == (180, 16)


def test_a_contract_is_read_from_the_comment_of_its_component() -> None:
    assert contract(TEMPLATES / "ui/tooltip.html").rows == [
        ("text", "the words"),
        ("slot", "one focusable element (a button, a link)"),
    ]


def test_examples_are_shown_without_their_comment() -> None:
    assert example("tag").startswith("<c-tag>core-banking</c-tag>")
