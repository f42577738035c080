"""What machines are cloned from: still there, still a template, still of the size it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import transaction

from integrations.proxmox.interface import GuestSummary
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM, platform_alias
from provisioning.logic.reconciliation import Presence
from provisioning.models import Finding, Template, TemplateCopy
from provisioning.services.findings import Sighting
from provisioning.states import FindingKind

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

_K = FindingKind
_GIB, _MIB = 2**30, 2**20


def look(sweep: Sweep) -> None:
    """Compares the places of all active templates on the cluster with the listing."""
    seen: set[int] = set()
    for source, vmid, node, name in _places(sweep):
        seen.add(vmid)
        guest = sweep.view.guests.get(vmid)
        if guest is None:
            _absent(sweep, vmid, node, name)
        elif sweep.view.presence(vmid, node) is Presence.PRESENT or guest.is_template:
            _present(sweep, source, guest, name)
    for finding in sweep.ledger.standing(_K.TEMPLATE_MISSING, _K.TEMPLATE_CHANGED):
        if finding.vmid not in seen:
            sweep.ledger.clear(finding.vmid, _K(finding.kind))


def template_accept(finding: Finding) -> None:
    """Takes what was found as right, under the finding's lock."""
    with platform_alias(), transaction.atomic(using=PLATFORM):
        for model, number in ((Template, "proxmox_template_vmid"), (TemplateCopy, "vmid")):
            rows = model.objects.filter(cluster_id=finding.cluster_id, **{number: finding.vmid})
            rows.update(source_facts=finding.found, updated_at=clock.now())


def _places(sweep: Sweep) -> Iterator[tuple[Template | TemplateCopy, int, str, str]]:
    own = Template.objects.using(PLATFORM).filter(cluster=sweep.cluster, is_active=True)
    for template in own:
        yield template, template.proxmox_template_vmid, template.default_node, template.name
    further = TemplateCopy.objects.using(PLATFORM).select_related("template")
    for copy in further.filter(cluster=sweep.cluster, is_active=True, template__is_active=True):
        yield copy, copy.vmid, copy.node, copy.template.name


def _absent(sweep: Sweep, vmid: int, node: str, name: str) -> None:
    if sweep.view.presence(vmid, node) is not Presence.ABSENT:
        return
    patience = sweep.patience()
    is_due = sweep.ledger.sweeps(_K.TEMPLATE_MISSING, vmid) >= patience
    is_proven = sweep.ledger.is_shown(_K.TEMPLATE_MISSING, vmid) or (
        is_due and sweep.ask.is_free(vmid)
    )
    if not is_proven:
        patience = sweep.ledger.sweeps(_K.TEMPLATE_MISSING, vmid) + 1
    expected = {"name": name, "node": node}
    sweep.ledger.see(
        Sighting(_K.TEMPLATE_MISSING, vmid, node=node, expected=expected, patience=patience)
    )


def _present(sweep: Sweep, source: Template | TemplateCopy, guest: GuestSummary, name: str) -> None:
    if not guest.is_template:
        sweep.ledger.see(
            Sighting(
                _K.TEMPLATE_MISSING,
                guest.vmid,
                node=guest.node,
                expected={"name": name, "is_template": True},
                found={"name": guest.name, "is_template": False},
            )
        )
        return
    sweep.ledger.clear(guest.vmid, _K.TEMPLATE_MISSING)
    found = _facts(guest)
    if source.source_facts is None:
        if not sweep.is_dry and found:
            rows = type(source)._base_manager.using(PLATFORM).filter(pk=source.pk)
            rows.update(source_facts=found)
        return
    expected = {key: source.source_facts.get(key) for key in found}
    if expected == found:
        sweep.ledger.clear(guest.vmid, _K.TEMPLATE_CHANGED)
        return
    sweep.ledger.see(
        Sighting(
            _K.TEMPLATE_CHANGED,
            guest.vmid,
            node=guest.node,
            expected=expected,
            found=found,
            patience=2,
        )
    )


def _facts(guest: GuestSummary) -> dict[str, Any]:
    """What the listing says of its size, as far as it does."""
    figures = {
        "cpu_cores": guest.cores,
        "memory_mb": None if guest.memory_bytes is None else guest.memory_bytes // _MIB,
        "disk_gb": None if guest.disk_bytes is None else guest.disk_bytes // _GIB,
    }
    return {name: value for name, value in figures.items() if value}
