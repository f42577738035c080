"""Leases on paper, sweeps, and a mail server that fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.kernel import clock, queue
from provisioning.models import Deployment, LeaseWarning, Template
from provisioning.services.expiry import expiry_sweep
from tests.conftest import World
from tests.engine import run_until_idle
from tests.provisioning import paper

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def leased(world: World, template: Template, hours: float, **fields: Any) -> Deployment:
    """A deployment whose lease was set a week ago and ends in so many hours."""
    values = {
        "lease_set_at": clock.now() - 7 * DAY,
        "expires_at": clock.now() + timedelta(hours=hours),
    }
    return paper.deployment(world, template, **values | fields)


def graced(world: World, template: Template, hours: float, **fields: Any) -> Deployment:
    """A stopped deployment that will be deleted in so many hours."""
    values = {
        "status": "stopped",
        "expires_at": clock.now() - DAY,
        "expired_at": clock.now() - DAY,
        "delete_after": clock.now() + timedelta(hours=hours),
    }
    return paper.deployment(world, template, **values | fields)


def sent(row: Deployment) -> list[tuple[str, int, int]]:
    """Kind, version and offset of what was sent about a deployment, in its order."""
    found = LeaseWarning.across_tenants.filter(deployment_id=row.pk).order_by("created_at", "id")
    return list(found.values_list("kind", "lease_version", "offset_hours"))


def swept(times: int = 1) -> None:
    for _ in range(times):
        expiry_sweep()
        run_until_idle()


def mail_fails(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A mail server that does not answer, and two tries instead of ten; answers whom they were for."""
    kind = replace(queue.operation_kind("mail.send"), max_attempts=2)
    monkeypatch.setitem(queue._kinds, "mail.send", kind)
    tried: list[str] = []

    def send(message: Any, *_: Any, **__: Any) -> int:
        tried.extend(message.to)
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", send)
    return tried
