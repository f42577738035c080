"""Checking a password, throttled in one place for pages, Django admin and API."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db.models import Max
from django.http import HttpRequest

from audit.services import trail
from portal.errors import TooManyAttempts, WrongCredentials
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.models import User
from portal.selectors.memberships import actor_of, tenant_choices
from portal.tags import Tag


def attempt_name(_request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The name attempts are counted under: another spelling of its case is no fresh start."""
    return str((credentials or {}).get("username") or "").lower()


def credentials_check(*, request: HttpRequest, username: str, password: str) -> User:
    """Answers the person, or counts the failure.

    The caller must not run in a transaction that an error rolls back, or attempts would not count.
    An unknown name costs the same work as a wrong password.

    Raises:
        WrongCredentials: the pair is wrong, or the person is deactivated.
        TooManyAttempts: this name is throttled from this address.
    """
    user = authenticate(request, username=username, password=password)
    if user is not None:
        return user
    is_throttled = bool(getattr(request, "axes_locked_out", False))
    known = User.objects.filter(username__iexact=username).first()
    trail.refuse(
        tag=Tag.SIGN_IN_THROTTLED if is_throttled else Tag.SIGN_IN_FAILED,
        target=known,
        target_type="portal.user",
        detail={"username": username[:150]},
        tenant_id=home_tenant_id(known),
    )
    if is_throttled:
        raise TooManyAttempts(retry_after_s=_wait_s(request, username))
    raise WrongCredentials


def sign_in_record(*, request: HttpRequest, user: User, tag: Tag) -> None:
    """Notes a success: the time, a fresh start for the throttle where no session does it, the audit."""
    if tag is Tag.TOKEN_ISSUED:
        user_logged_in.send(sender=User, request=request, user=user)
    trail.record(tag=tag, target=user, actor=actor_of(user, None), tenant_id=home_tenant_id(user))


def home_tenant_id(user: User | None) -> UUID:
    """Where a person's sign-ins are recorded: the first organisation, so that its admins see them."""
    choices = tenant_choices(user.id) if user else ()
    return choices[0].id if choices else PLATFORM_TENANT_ID


def _wait_s(request: HttpRequest, username: str) -> int:
    address = getattr(request, "axes_ip_address", None)
    attempts = AccessAttempt.objects.filter(username=username.lower(), ip_address=address)
    latest = attempts.aggregate(at=Max("attempt_time"))["at"]
    passed_s = (clock.now() - latest).total_seconds() if latest else 0
    return max(1, math.ceil(settings.AXES_COOLOFF_TIME * 3600 - passed_s))
