"""Colours of the brand: readable whatever the one colour is, and in force at the next page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.test import Client
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from portal.kernel.authz import Actor
from portal.kernel.errors import InvalidInput
from portal.logic.brand_colours import DARK, LIGHT, Ground, brand_scale, brand_styles, brand_tokens
from portal.logic.brand_icon import brand_icon
from portal.logic.colours import WHITE, contrast, over, parsed
from portal.models import User
from portal.services.brand import brand, brand_known
from portal.services.settings import setting_change, settings_forget
from tests.conftest import World
from tests.portal.ui import palette

SYSTEM = Actor.system("test")
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
GROUNDS = st.sampled_from([DARK, LIGHT])
TEXT, GRAPHIC = 4.5, 3.0


@pytest.fixture
def own_settings(world: World) -> Iterator[None]:
    yield
    settings_forget()


@given(colour=COLOURS, ground=GROUNDS)
@example(colour="#000000", ground=DARK)
@example(colour="#ffffff", ground=LIGHT)
@example(colour="#ffff00", ground=DARK)
@example(colour="#0000ff", ground=LIGHT)
@examples(max_examples=300, deadline=None)
def test_every_token_is_readable_whatever_the_colour(colour: str, ground: Ground) -> None:
    tokens = brand_tokens(colour, ground)
    accent, on_accent = parsed(tokens["accent"]), parsed(tokens["on-accent"])
    surfaces = [parsed(surface) for surface in ground.surfaces]
    tints = [over(accent, ground.soft, surface) for surface in surfaces]
    fills = [parsed(tokens["accent-fill"]), parsed(tokens["accent-fill-2"])]
    blob, opacity = palette.split(tokens["blob-1"])
    behind = over(tuple(map(int, blob)), opacity, parsed(ground.bg))  # type: ignore[arg-type]

    assert min(contrast(accent, back) for back in (*surfaces, *tints)) >= TEXT
    assert min(contrast(on_accent, fill) for fill in fills) >= TEXT
    assert min(contrast(fill, parsed(ground.track)) for fill in fills) >= GRAPHIC
    assert min(contrast(parsed(tokens["chart-1"]), back) for back in surfaces) >= GRAPHIC
    assert contrast(parsed(ground.text_3), behind) >= TEXT


@given(colour=COLOURS)
@examples(max_examples=100, deadline=None)
def test_the_administration_s_scale_is_readable(colour: str) -> None:
    weights = {
        weight: tuple(map(int, text.split())) for weight, text in brand_scale(colour).items()
    }
    assert contrast(weights["600"], WHITE) >= TEXT  # type: ignore[arg-type]
    assert contrast(weights["500"], parsed(DARK.panel)) >= TEXT  # type: ignore[arg-type]


@pytest.mark.parametrize(("theme", "ground"), [("dark", DARK), ("light", LIGHT)])
def test_the_surfaces_are_those_of_the_style_sheet(theme: str, ground: Ground) -> None:
    tokens = palette.tokens(theme)
    names = ("bg", "panel", "surface-1", "surface-2", "surface-3")
    assert tuple(tokens[name] for name in names) == ground.surfaces
    assert (tokens["bg"], tokens["panel"], tokens["surface-3"], tokens["text-3"]) == (
        ground.bg,
        ground.panel,
        ground.track,
        ground.text_3,
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_token_exists_in_the_style_sheet(theme: str) -> None:
    assert set(brand_tokens("#ff4d00", DARK)) - set(palette.tokens(theme)) == set()


def test_a_readable_colour_is_taken_as_it_is() -> None:
    assert brand_tokens("#6cc7ff", DARK)["accent"] == "#6cc7ff"


def test_all_three_themes_are_written() -> None:
    selectors = re.findall(r"(:root|\[[^\]]+\])\{", brand_styles("#ff4d00"))
    assert selectors == [":root", '[data-theme="light"]', '[data-theme="system"]']


def test_the_usual_colour_needs_no_style_sheet(own_settings: None) -> None:
    assert brand().styles_url == ""


def test_a_change_is_worn_by_the_next_page(own_settings: None, client: Client) -> None:
    setting_change(actor=SYSTEM, name="platform.brand_name", value="Nordbank")
    setting_change(actor=SYSTEM, name="platform.primary_color", value="#FF4D00")
    page = client.get("/sign-in").content.decode()
    url = re.search(r'href="(/brand.css\?v=[0-9a-f]{12})"', page)
    assert url is not None
    assert "Sign in" in re.sub(r"\s+", " ", page)
    assert "· Nordbank</title>" in page
    styles = client.get(url[1])
    assert styles["Content-Type"] == "text/css; charset=utf-8"
    assert styles["Cache-Control"] == "public, max-age=31536000, immutable"
    assert styles.content.decode() == brand_styles("#ff4d00")


@pytest.mark.parametrize("name", ["brand.css", "brand.svg"])
def test_an_old_address_is_not_kept(own_settings: None, client: Client, name: str) -> None:
    assert client.get(f"/{name}?v=000000000000")["Cache-Control"] == "no-cache"


def test_the_usual_icon_is_the_built_one(own_settings: None, client: Client) -> None:
    assert re.search(r'rel="icon" href="/static/[^"]*icon[^"]*\.svg"', _page(client, "/sign-in"))


def test_the_icon_has_the_shape_of_the_built_one() -> None:
    built = Path("portal/frontend/images/icon.svg").read_text(encoding="utf-8")
    assert re.sub(r"#[0-9a-f]{6}", "", brand_icon("#ff4d00")) == re.sub(r"#[0-9a-f]{6}", "", built)


@given(colour=COLOURS)
@example(colour="#000000")
@example(colour="#ffffff")
@examples(max_examples=100, deadline=None)
def test_the_sign_is_readable_on_its_tile(colour: str) -> None:
    tile, sign = (parsed(found) for found in re.findall(r"#[0-9a-f]{6}", brand_icon(colour)))
    assert contrast(tile, sign) >= TEXT


def test_all_pages_have_the_icon_of_the_brand(own_settings: None, world: World) -> None:
    setting_change(actor=SYSTEM, name="platform.primary_color", value="#FF4D00")
    User.objects.using("platform").update(is_platform_admin=True)
    client = Client(raise_request_exception=False)
    client.force_login(world.people["admin"])
    url = brand().icon_url
    for path in ("/", "/admin/", "/no-such-page"):
        assert f'href="{url}"' in _page(client, path)
    assert f'href="{url}"' in render_to_string("500.html", {"brand": brand_known()})
    icon = Client().get(url)
    assert icon["Content-Type"] == "image/svg+xml"
    assert icon["Cache-Control"] == "public, max-age=31536000, immutable"
    assert icon.content.decode() == brand_icon("#ff4d00")


def _page(client: Client, path: str) -> str:
    return client.get(path, follow=True).content.decode()


def test_an_impossible_value_is_refused_with_the_way_out(own_settings: None) -> None:
    for name, value, way_out in (
        ("platform.primary_color", "green", "six hexadecimal digits, like #3df5a0"),
        ("platform.primary_color", "#0f0", "six hexadecimal digits, like #3df5a0"),
        ("platform.primary_color", "#3df5a0\n", "six hexadecimal digits, like #3df5a0"),
        ("platform.brand_name", "   ", "1 to 60 characters"),
        ("platform.brand_name", "u\nHub", "one line"),
        ("platform.timezone", "Europe/Pariss", "like Europe/Paris"),
    ):
        with pytest.raises(InvalidInput) as refused:
            setting_change(actor=SYSTEM, name=name, value=value)
        assert way_out in refused.value.faults[0].message, value


def test_people_without_a_zone_read_times_in_the_platform_s(
    own_settings: None, world: World, client: Client
) -> None:
    setting_change(actor=SYSTEM, name="platform.timezone", value="Asia/Tokyo")
    client.force_login(world.people["support"])
    assert "Asia/Tokyo" in client.get("/profile").content.decode()
