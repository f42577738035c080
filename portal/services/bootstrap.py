"""What a new installation needs before anybody can sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from portal.events import PlatformBootstrapped
from portal.kernel.authz import Actor
from portal.kernel.events import publish
from portal.kernel.tenancy import PLATFORM, platform_alias
from portal.models import User
from portal.services.accounts import user_create
from portal.services.roles import roles_ensure
from portal.services.settings import settings_ensure

ADMIN_USERNAME: Final = "uHub"
DEFAULT_PASSWORD: Final = "uHub-ADMIN"  # noqa: S105 - replaced at the first sign-in, which is forced


@dataclass(frozen=True, slots=True)
class BootstrapReport:
    """What was missing: changed roles, new settings, and the first administrator if there was none."""

    roles: int
    settings: int
    admin: User | None


def platform_bootstrap(*, password: str) -> BootstrapReport:
    """Makes what is missing and leaves alone what is there; may run at every start."""
    roles, settings = roles_ensure(), settings_ensure()
    with platform_alias(), transaction.atomic(using=PLATFORM):
        first = User.objects.filter(is_platform_admin=True).order_by("created_at").first()
        admin = first or _admin_create(password)
        publish(PlatformBootstrapped(admin.id))
    return BootstrapReport(roles, settings, None if first else admin)


def _admin_create(password: str) -> User:
    return user_create(
        actor=Actor.system("bootstrap"),
        username=ADMIN_USERNAME,
        password=password,
        is_password_checked=False,
        display_name="uHub",
        email="uhub@uhub.local",
        is_staff=True,
        is_platform_admin=True,
        must_change_password=True,
    )
