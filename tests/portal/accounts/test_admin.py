from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import Client

from audit.models import Entry
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM
from portal.models import Membership, Role, Setting, TeamMember, User
from portal.services.accounts import user_update
from portal.services.settings import setting_get, settings_ensure
from portal.tags import Tag
from tests.conftest import World
from tests.factories.accounts import PASSWORD, TeamFactory, UserFactory
from tests.locks import behind


@pytest.fixture
def staff(world: World, client: Client) -> Client:
    UserFactory(username="root", is_staff=True, is_platform_admin=True)
    settings_ensure()
    client.post("/sign-in", {"username": "root", "password": PASSWORD})
    return client


PAGES = (
    "/admin/",
    "/admin/settings",
    "/admin/portal/user/",
    "/admin/portal/user/add/",
    "/admin/portal/role/",
    "/admin/portal/membership/",
    "/admin/portal/membership/add/",
    "/admin/portal/team/",
    "/admin/portal/operation/",
    "/admin/portal/schedule/",
    "/admin/portal/worker/",
    "/admin/audit/entry/",
    "/admin/auditlog/logentry/",
)


def test_pages_open_for_a_platform_administrator(staff: Client) -> None:
    assert {page: staff.get(page).status_code for page in PAGES} == dict.fromkeys(PAGES, 200)


def test_stranger_is_sent_to_the_one_sign_in_page(world: World, client: Client) -> None:
    answer = client.get("/admin/portal/user/", follow=True)

    assert answer.redirect_chain[-1][0] == "/sign-in?next=%2Fadmin%2Fportal%2Fuser%2F"


def test_admin_of_a_tenant_stays_outside(world: World, client: Client) -> None:
    client.post("/sign-in", {"username": "admin-north", "password": PASSWORD})

    assert client.get("/admin/", follow=True).status_code == 403


def test_user_is_created_by_the_service_with_a_first_password(staff: Client) -> None:
    answer = staff.post(
        "/admin/portal/user/add/",
        {
            "username": "ada",
            "display_name": "Ada LOVELACE",
            "email": "ada@uhub.local",
            "theme": "dark",
            "language": "en",
            "timezone": "Europe/Paris",
            "is_active": "on",
            "new_password": "a first long password",
        },
    )

    assert answer.status_code == 302
    user = User.objects.get(username="ada")
    assert user.must_change_password
    assert user.check_password("a first long password")
    entry = Entry.across_tenants.get(tag=Tag.USER_CREATED)
    assert (entry.actor_label, entry.after["username"]) == ("root", "ada")


def test_membership_is_given_changed_and_taken(world: World, staff: Client) -> None:
    role = {code: Role.objects.get(code=code).pk for code in ("dev", "ops")}
    user = UserFactory(username="ada")
    path = "/admin/portal/membership/"

    staff.post(f"{path}add/", {"user": user.pk, "tenant": world.north.pk, "role": role["dev"]})
    membership = Membership.objects.using("platform").get(user=user)
    staff.post(f"{path}{membership.pk}/change/", {"role": role["ops"]})
    staff.post(f"{path}{membership.pk}/delete/", {"post": "yes"})

    entries = Entry.across_tenants.filter(tenant_id=world.north.id, target_label="ada")
    assert list(entries.order_by("seq").values_list("tag", "before", "after")) == [
        (Tag.MEMBERSHIP_SET, None, {"role": "dev"}),
        (Tag.MEMBERSHIP_SET, {"role": "dev"}, {"role": "ops"}),
        (Tag.MEMBERSHIP_REMOVED, {"role": "ops"}, None),
    ]
    assert not Membership.objects.using("platform").filter(user=user).exists()


def test_role_is_edited_and_felt_at_once(world: World, staff: Client) -> None:
    role = Role.objects.get(code="viewer")
    viewer = Client()
    viewer.post("/sign-in", {"username": "viewer-north", "password": PASSWORD})
    assert viewer.get("/audit").status_code == 403

    staff.post(
        f"/admin/portal/role/{role.pk}/change/",
        {"name": "Viewer", "permissions": [*role.permissions, "audit.view"]},
    )

    assert viewer.get("/audit").status_code == 200


def test_settings_page_saves_what_changed(staff: Client) -> None:
    values = settings_form(staff) | {"cloudpods__lease__max_hours": "100"}

    answer = staff.post("/admin/settings", values)

    assert answer.status_code == 302
    assert setting_get("cloudpods.lease.max_hours") == 100
    entry = Entry.across_tenants.get(tag=Tag.SETTING_CHANGED)
    assert (entry.before, entry.after) == ({"value": 720}, {"value": 100})


def test_settings_page_saves_nothing_when_one_is_wrong(staff: Client) -> None:
    values = settings_form(staff) | {
        "cloudpods__lease__max_hours": "100",
        "platform__timezone": "Mars/Olympus",
    }

    answer = staff.post("/admin/settings", values)

    assert answer.status_code == 422
    assert "is not a time zone" in answer.content.decode()
    assert Setting.objects.get(key="lease.max_hours").value == 720


def test_a_setting_goes_back_to_its_default(staff: Client) -> None:
    staff.post("/admin/settings", settings_form(staff) | {"cloudpods__lease__max_hours": "100"})
    page = staff.get("/admin/settings").content.decode()
    assert "Default: 720" in page
    assert "/admin/audit/entry/?q=cloudpods.lease.max_hours" in page

    answer = staff.post("/admin/settings", {"reset": "cloudpods.lease.max_hours"})

    assert answer.status_code == 302
    assert setting_get("cloudpods.lease.max_hours") == 720


def test_administration_wears_the_brand_and_the_person_s_theme(staff: Client) -> None:
    staff.post("/admin/settings", settings_form(staff) | {"platform__brand_name": "Nordbank"})
    staff.post("/theme", {"theme": "light"})
    page = staff.get("/admin/").content.decode()
    assert "Nordbank" in page
    assert "theme('light')" in page
    assert "--color-primary-500: rgb(61, 245, 160)" in page
    assert "--color-font-default-dark: rgb(181, 196, 188)" in page


def settings_form(staff: Client) -> dict[str, str]:
    form = staff.get("/admin/settings").context["form"]
    return {name: str(form.fields[name].initial) for name in form.fields if form[name].initial}


def test_last_platform_administrator_cannot_be_deactivated(staff: Client) -> None:
    root = User.objects.get(username="root")

    answer = staff.post(
        f"/admin/portal/user/{root.pk}/change/",
        {
            "username": "root",
            "theme": "dark",
            "language": "en",
            "timezone": "Europe/Paris",
            "is_platform_admin": "on",
        },
        follow=True,
    )

    assert "last active platform administrator" in answer.content.decode()
    assert User.objects.get(username="root").is_active


def test_of_two_administrators_who_end_each_other_one_stays(world: World) -> None:
    first, second = sorted(
        (UserFactory(is_platform_admin=True) for _ in range(2)), key=lambda user: user.pk
    )

    def ended(user: User) -> None:
        user_update(actor=Actor.system("test"), user_id=user.pk, changes={"is_active": False})

    @contextmanager
    def second_locked() -> Iterator[None]:
        with transaction.atomic(using=PLATFORM):
            User.objects.using(PLATFORM).select_for_update().get(pk=second.pk)
            yield

    results = behind(second_locked(), lambda: ended(second), lambda: ended(first))

    assert results == ["ok", "Conflict"]
    active = User.objects.using(PLATFORM).filter(is_active=True, is_platform_admin=True)
    assert list(active) == [first]


def test_looking_at_tenants_rows_is_audited(staff: Client) -> None:
    staff.get("/admin/audit/entry/?outcome=refused")

    entry = Entry.across_tenants.get(tag=Tag.ADMIN_VIEWED)
    assert (entry.target_type, entry.detail) == (
        "audit.entry",
        {"path": "/admin/audit/entry/?outcome=refused"},
    )


def test_read_only_rows_cannot_be_changed_or_removed(staff: Client) -> None:
    entry = Entry.across_tenants.first()
    assert entry is not None

    for action in ("change", "delete"):
        answer = staff.post(f"/admin/audit/entry/{entry.pk}/{action}/", {"post": "yes"})
        assert answer.status_code == 403
    assert staff.get("/admin/audit/entry/add/").status_code == 403


def test_team_is_shown_with_its_people_and_not_changed_here(world: World, staff: Client) -> None:
    team = TeamFactory(tenant=world.north)
    TeamMember.across_tenants.create(tenant=world.north, team=team, user=world.people["dev"])

    page = staff.get(f"/admin/portal/team/{team.pk}/change/").content.decode()

    assert str(world.people["dev"]) in page
    assert staff.post(f"/admin/portal/team/{team.pk}/change/", {"name": "x"}).status_code == 403
