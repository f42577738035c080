"""Whether a listing is to be believed. When too much is gone at once, the sweep stops and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.kernel.stored_text import stored_text
from portal.services.settings import setting_get
from provisioning.logic.reconcile_settings import VANISH_MINIMUM, VANISH_PERCENT
from provisioning.logic.reconciliation import Presence, is_implausible
from provisioning.models import Finding
from provisioning.models.finding import CLUSTER_ITSELF
from provisioning.services.findings import Sighting
from provisioning.states import DeploymentStatus, FindingKind, FindingStatus

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

_EXPECTED_THERE = frozenset(
    {DeploymentStatus.RUNNING, DeploymentStatus.STOPPED, DeploymentStatus.ERROR}
)


def doubt(sweep: Sweep) -> str:
    """Why the sweep must not believe its listing; "" when it may. Raises or clears the alarm."""
    known, vanished = _balance(sweep)
    percent, minimum = (int(setting_get(key)) for key in (VANISH_PERCENT, VANISH_MINIMUM))
    listed = len(sweep.view.guests)
    if not is_implausible(
        listed=listed, known=known, vanished=vanished, percent=percent, minimum=minimum
    ):
        sweep.ledger.clear(CLUSTER_ITSELF, FindingKind.TOO_MUCH_VANISHED)
        return ""
    alarm = sweep.ledger.stands(FindingKind.TOO_MUCH_VANISHED, CLUSTER_ITSELF)
    if alarm is not None and _is_believed(alarm, vanished):
        sweep.ledger.see_again(alarm)
        return ""
    sighting = Sighting(
        kind=FindingKind.TOO_MUCH_VANISHED,
        vmid=CLUSTER_ITSELF,
        expected={"machines": len(known), "vanish_percent": percent},
        found={
            "machines": len(known) - len(vanished),
            "listed": listed,
            "vmids": sorted(vanished),
        },
    )
    sweep.ledger.see(sighting)
    if not sweep.is_dry:
        sweep.ledger.write(actor=sweep.actor())
    return stored_text(
        "%(vanished)s of %(known)s machines are not on the listing.",
        vanished=len(vanished),
        known=len(known),
    )


def _is_believed(alarm: Finding, vanished: set[int]) -> bool:
    """Whether a person said that these machines are gone indeed."""
    return alarm.status == FindingStatus.CLOSED and vanished <= set(alarm.found.get("vmids", []))


def _balance(sweep: Sweep) -> tuple[set[int], set[int]]:
    """The machines that should be listed, and those of them that are not."""
    known, vanished = set(), set()
    for row in sweep.live.values():
        presence = sweep.view.presence(row.vmid, row.node)
        is_expected = row.status in _EXPECTED_THERE and row.ready_at is not None
        if not is_expected or presence is Presence.UNKNOWN:
            continue
        if sweep.ledger.is_shown(FindingKind.MISSING, row.vmid):
            continue
        if row.updated_at >= sweep.asked_at:
            continue
        known.add(row.vmid)
        if presence is Presence.ABSENT:
            vanished.add(row.vmid)
    return known, vanished
