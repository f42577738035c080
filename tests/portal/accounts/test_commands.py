from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core import checks
from django.core.management import call_command
from django.test import Client

from billing.models import Tenant
from portal.kernel import clock
from portal.kernel.authz import ROLES, Actor, default_permissions
from portal.models import Membership, RefreshToken, Role, Setting, User
from portal.services import tokens
from portal.services.roles import role_save, roles_ensure
from tests.conftest import World
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db(
    transaction=True, databases=("default", "owner", "platform", "dispatch")
)


def bootstrap() -> str:
    out = StringIO()
    call_command("bootstrap", stdout=out)
    return out.getvalue()


def test_bootstrap_makes_roles_settings_admin_and_tenant() -> None:
    bootstrap()

    admin = User.objects.get(username="uHub")
    assert admin.check_password("uHub-ADMIN")
    assert (admin.must_change_password, admin.is_platform_admin, admin.is_staff) == (True,) * 3
    assert set(Role.objects.values_list("code", flat=True)) == set(ROLES)
    membership = Membership.objects.using("platform").select_related("tenant", "role").get()
    assert (membership.tenant.slug, membership.role.code) == ("uhub", "admin")
    assert Setting.objects.filter(namespace="cloudpods", key="lease.max_hours").exists()


def test_bootstrap_twice_changes_nothing() -> None:
    bootstrap()
    User.objects.using("platform").update(display_name="Somebody")
    Setting.objects.using("platform").filter(key="brand_name").update(value="Ours")

    out = bootstrap()

    assert "Roles made or extended: 0; settings made: 0." in out
    assert User.objects.using("platform").get().display_name == "Somebody"
    assert Setting.objects.get(key="brand_name").value == "Ours"
    assert Tenant.objects.using("platform").count() == 1


def test_first_password_can_be_given(settings) -> None:
    settings.FIRST_ADMIN_PASSWORD = "a secret of the installation"

    bootstrap()

    assert User.objects.get(username="uHub").check_password("a secret of the installation")


def test_roles_get_new_permissions_and_keep_what_was_edited(world: World) -> None:
    viewer = Role.objects.get(code="viewer")
    kept = [name for name in viewer.permissions if name != "operations.view"]
    role_save(actor=Actor.system("test"), code="viewer", name="Viewer", permissions=kept)
    known = [name for name in viewer.known_permissions if name != "quota.view"]
    kept_without = [name for name in kept if name != "quota.view"]
    Role.objects.using("platform").filter(code="viewer").update(
        known_permissions=known, permissions=kept_without
    )

    roles_ensure()

    permissions = set(Role.objects.get(code="viewer").permissions)
    assert permissions == default_permissions("viewer") - {"operations.view"}


def test_default_password_is_warned_of_before_a_deployment() -> None:
    bootstrap()

    found = checks.run_checks(tags=["security"], include_deployment_checks=True)

    assert "portal.W001" in {message.id for message in found}


def test_cleanup_removes_what_has_expired_once(world: World, client: Client) -> None:
    client.post("/sign-in", {"username": "support-north", "password": PASSWORD})
    client.post("/sign-in", {"username": "support-north", "password": "wrong"})
    tokens.tokens_issue(user=User.objects.get(username="support-north"))

    with clock.travelled(timedelta(days=61)):
        call_command("cleanup", stdout=(first := StringIO()))
        call_command("cleanup", stdout=(second := StringIO()))

    nothing = "0 operations, 0 notifications, 0 system_events,"
    once = f"{nothing} 1 sessions, 1 tokens, 0 keys, 1 attempts removed.\n"
    again = f"{nothing} 0 sessions, 0 tokens, 0 keys, 0 attempts removed.\n"
    assert (first.getvalue(), second.getvalue()) == (once, again)


def test_cleanup_keeps_what_lives(world: World) -> None:
    tokens.tokens_issue(user=User.objects.get(username="support-north"))

    call_command("cleanup", stdout=StringIO())

    assert RefreshToken.objects.using("platform").count() == 1
