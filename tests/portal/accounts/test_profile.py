from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Entry
from portal.models import User
from portal.tags import Tag
from tests.conftest import World

PROFILE = {
    "display_name": "Sam SUPPORT",
    "email": "sam@uhub.local",
    "theme": "light",
    "language": "fr",
    "timezone": "America/Montreal",
    "has_shortcuts": False,
}


@pytest.fixture
def signed_in(world: World, client: Client) -> Client:
    client.force_login(User.objects.get(username="support-north"))
    return client


def test_profile_page_saves_and_audits_what_changed(world: World, signed_in: Client) -> None:
    answer = signed_in.post("/profile", PROFILE)

    assert answer.status_code == 302
    user = User.objects.get(username="support-north")
    assert {name: getattr(user, name) for name in PROFILE} == PROFILE
    entry = Entry.across_tenants.get(tenant_id=world.north.id, tag=Tag.PROFILE_CHANGED)
    assert entry.after == PROFILE


def test_page_and_api_name_the_wrong_field(signed_in: Client) -> None:
    for field, value in (
        ("email", "no address"),
        ("theme", "pink"),
        ("language", "xx"),
        ("timezone", "Mars/Olympus"),
        ("display_name", "x" * 151),
    ):
        page = signed_in.post("/profile", PROFILE | {field: value})
        api = signed_in.patch("/api/me", {field: value}, content_type="application/json")
        faults = [fault["attr"] for fault in api.json()["errors"]]

        assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
        assert (api.status_code, faults) == (400, [field])
    assert User.objects.get(username="support-north").theme == "dark"


@pytest.mark.parametrize("field", ["is_platform_admin", "username", "is_staff"])
def test_api_refuses_fields_that_are_not_ones_own(signed_in: Client, field: str) -> None:
    answer = signed_in.patch("/api/me", {field: True}, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0] == {
        "code": "unknown",
        "detail": "This field is not known here.",
        "attr": field,
    }


def test_api_changes_the_profile(signed_in: Client) -> None:
    body = signed_in.patch("/api/me", {"theme": "light"}, content_type="application/json").json()

    assert body["theme"] == "light"


def test_theme_switch_answers_htmx_and_forms(signed_in: Client) -> None:
    htmx = signed_in.post("/theme", {"theme": "light"}, headers={"HX-Request": "true"})
    form = signed_in.post("/theme", {"theme": "system", "next": "/profile"})

    assert htmx.status_code == 204
    assert (form.status_code, form["Location"]) == (302, "/profile")
    assert User.objects.get(username="support-north").theme == "system"


def test_unknown_theme_is_a_400(signed_in: Client) -> None:
    assert signed_in.post("/theme", {"theme": "pink"}).status_code == 400


def test_nothing_changed_is_nothing_audited(world: World, signed_in: Client) -> None:
    signed_in.patch("/api/me", {"theme": "dark"}, content_type="application/json")

    assert not Entry.across_tenants.filter(tag=Tag.PROFILE_CHANGED).exists()


def test_language_of_the_person_rules_the_page(signed_in: Client) -> None:
    User.objects.using("platform").filter(username="support-north").update(language="fr")

    assert '<html lang="fr"' in signed_in.get("/profile").content.decode()


def test_language_left_to_the_browser_follows_it(signed_in: Client) -> None:
    page = signed_in.get("/profile", headers={"accept-language": "fr"}).content.decode()
    assert '<html lang="fr"' in page


def test_zones_are_offered_with_their_distance_to_utc(signed_in: Client) -> None:
    page = signed_in.get("/profile").content.decode()
    assert "As the platform: Europe/Paris (UTC+0" in page
    assert '<option value="Asia/Kolkata">Kolkata (UTC+05:30)</option>' in page


def test_switching_single_keys_off_reaches_the_next_page(signed_in: Client) -> None:
    signed_in.post("/profile", {k: v for k, v in PROFILE.items() if k != "has_shortcuts"})
    page = signed_in.get("/profile").content.decode()
    assert 'data-shortcuts="off"' in page


def test_api_tells_what_was_chosen_and_what_is_in_force(signed_in: Client) -> None:
    changes = {"language": "browser", "timezone": "", "has_shortcuts": False}
    body = signed_in.patch("/api/me", changes, content_type="application/json").json()
    assert body["language"] == "en"
    assert body["preferences"] == {"theme": "dark", **changes}


def test_the_account_menu_turns_language_and_theme(world: World, signed_in: Client) -> None:
    signed_in.post("/language", {"language": "fr"})
    signed_in.post("/theme", {"theme": "system"})
    user = User.objects.get(username="support-north")
    tags = Entry.across_tenants.filter(tenant_id=world.north.id).values_list("tag", flat=True)
    assert (user.language, user.theme) == ("fr", "system")
    assert list(tags) == [Tag.PROFILE_CHANGED] * 2


def test_an_invented_language_is_refused(signed_in: Client) -> None:
    assert signed_in.post("/language", {"language": "xx"}).status_code == 400
