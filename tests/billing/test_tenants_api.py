"""Organisations over HTTP: one's own to look at, all of them for platform staff."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from audit.models import Entry
from billing.models import Tenant
from tests.api.conftest import Caller, caller_of
from tests.conftest import World
from tests.factories.accounts import UserFactory


@pytest.fixture
def root(world: World) -> Caller:
    """Platform staff outside any organisation."""
    return caller_of(UserFactory(username="root", is_platform_admin=True))


def slugs(answer: HttpResponse) -> list[str]:
    return [tenant["slug"] for tenant in answer.json()["results"]]


def test_members_see_their_own(world: World, root: Caller) -> None:
    ask = caller_of(world.people["viewer"])

    assert slugs(ask("get", "tenants")) == ["north"]
    assert ask("get", "tenants/south").status_code == 404
    assert slugs(root("get", "tenants")) == ["north", "south"]


def test_staff_make_and_change_one(root: Caller) -> None:
    made = root("post", "tenants", {"slug": "acme", "name": "ACME"})
    changed = root("patch", "tenants/acme", {"name": "ACME SA", "is_active": False})

    assert (made.status_code, made["Location"]) == (201, "/api/tenants/acme")
    assert (changed.json()["name"], changed.json()["is_active"]) == ("ACME SA", False)
    tags = list(Entry.across_tenants.order_by("seq").values_list("tag", flat=True))
    assert tags == ["tenant.created", "tenant.changed"]


def test_changed_meanwhile_is_told(root: Caller) -> None:
    tag = root("get", "tenants/north")["ETag"]
    headers = {"accept": "application/json", "If-Match": tag}
    root("patch", "tenants/north", {"name": "One"})

    answer = root("patch", "tenants/north", {"name": "Two"}, headers=headers)

    assert (answer.status_code, Tenant.objects.using("platform").get(slug="north").name) == (
        412,
        "One",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"slug": "north", "name": "X"}, "slug"),
        ({"slug": "No Good", "name": "X"}, "slug"),
        ({"slug": "acme", "name": "X", "timezone": "Mars/Base"}, "timezone"),
    ],
)
def test_bad_organisation_is_told(root: Caller, body: dict[str, Any], field: str) -> None:
    answer = root("post", "tenants", body)

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, field)
    assert Tenant.objects.using("platform").count() == 2


def test_closed_organisation_is_closed_at_once(world: World, root: Caller) -> None:
    ask = caller_of(world.people["admin"])
    assert ask("get", "teams").status_code == 200

    root("patch", "tenants/north", {"is_active": False})

    assert ask("get", "teams").status_code == 403
