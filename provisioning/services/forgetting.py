"""What forgetting a machine leaves behind: a watch, and volumes that bear its fate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.stored_text import stored_text
from portal.services.settings import setting_get
from provisioning.logic.reconcile_settings import WATCH_DAYS
from provisioning.logic.volumes import VolumeTag
from provisioning.models import Deployment, Volume
from provisioning.selectors.watch import FORGOTTEN_CODE
from provisioning.services.saga.volume_outcome import told
from provisioning.states import VOLUME_TRANSITIONS, VolumeStatus

_FATE: Final = stored_text(
    "Its machine was forgotten while nobody could reach it, so the disk may still be in use there. It is "
    "let go once the machine is proven gone; detaching it looks for that now."
)


def watch_end() -> datetime:
    """Until when what is forgotten now is watched."""
    return clock.now() + timedelta(days=int(setting_get(WATCH_DAYS)))


def volumes_mark(deployment: Deployment, *, actor: Actor) -> None:
    """The machine is forgotten without proof: what sits in it bears its fate, in the same transaction."""
    rows = Volume.objects.select_for_update(of=("self",)).filter(
        deployment_id=deployment.pk, status=VolumeStatus.ATTACHED
    )
    attention = {"code": FORGOTTEN_CODE, "message": _FATE, "command": ""}
    for row in rows:
        transition(row, table=VOLUME_TRANSITIONS, to=VolumeStatus.ERROR, attention=attention)
        trail.record(tag=VolumeTag.OBSERVED, target=row, actor=actor, after={"status": row.status})
        told(row, VolumeTag.OBSERVED)


def volumes_follow(past_id: UUID | None, deployment: Deployment, *, actor: Actor) -> None:
    """A forgotten machine is back under a new deployment: its volumes are in it, as they were."""
    if past_id is None:
        return
    rows = Volume.objects.select_for_update(of=("self",)).filter(
        deployment_id=past_id, attention__code=FORGOTTEN_CODE
    )
    for row in rows:
        transition(
            row,
            table=VOLUME_TRANSITIONS,
            to=VolumeStatus.ATTACHED,
            attention=None,
            deployment=deployment,
        )
        trail.record(
            tag=VolumeTag.ATTACHED, target=row, actor=actor, after={"deployment": deployment.name}
        )
        told(row, VolumeTag.ATTACHED)
