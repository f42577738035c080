"""What people decide about a machine's health: whether it is healed, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault
from provisioning.errors import DeploymentInvalid
from provisioning.logic.probes import probe_faults
from provisioning.models import Deployment, HealthState
from provisioning.tags import Tag


def auto_heal_set(*, actor: Actor, deployment: Deployment, is_on: bool) -> None:
    """Switches the healing of a locked deployment on or off."""
    if deployment.auto_heal == is_on:
        return
    _update(deployment, auto_heal=is_on)
    trail.record(
        tag=Tag.AUTO_HEAL_SET,
        target=deployment,
        actor=actor,
        before={"auto_heal": not is_on},
        after={"auto_heal": is_on},
    )


def probe_set(*, actor: Actor, deployment: Deployment, probe: Mapping[str, Any] | None) -> None:
    """Gives a locked deployment a probe of its own: {} asks nothing, None what its template says.

    Raises:
        DeploymentInvalid: it is no probe.
    """
    faults = probe_faults(probe) if probe else {}
    if faults:
        raise DeploymentInvalid(
            faults=tuple(
                Fault(f"health_probe.{key}".rstrip("."), "invalid", text)
                for key, text in faults.items()
            )
        )
    before = deployment.health_probe
    if before == probe:
        return
    _update(deployment, health_probe=probe)
    # What was counted under another question says nothing about this one.
    HealthState.objects.filter(deployment=deployment).update(bad_count=0, due_at=clock.now())
    trail.record(
        tag=Tag.PROBE_SET,
        target=deployment,
        actor=actor,
        before={"health_probe": before},
        after={"health_probe": probe},
    )


def _update(deployment: Deployment, **values: Any) -> None:
    values["updated_at"] = clock.now()
    Deployment.objects.filter(pk=deployment.pk).update(**values)
    for name, value in values.items():
        setattr(deployment, name, value)
