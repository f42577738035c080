"""One sweep over a cluster: a listing against our rows. It sends nothing but questions.

The listing alone settles what is quiet. What looks wrong on it is a candidate: its configuration is read,
at most so many per sweep, and only that proves anything. Whatever is unknown is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from typing import Any
from uuid import UUID

from django.conf import settings

from integrations.proxmox.interface import ClusterListing, GuestConfig, GuestSummary, Hypervisor
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID
from portal.services.settings import setting_get
from provisioning.logic.reconcile_settings import MISSING_AFTER, READS
from provisioning.logic.reconciliation import (
    MAKING_LOCKS,
    Presence,
    Urgency,
    View,
    differences,
    facts_of,
    is_signed,
    looks_different,
)
from provisioning.models import Cluster, Deployment, GuestObservation
from provisioning.selectors.reconciliation import (
    busy_ids,
    checked_times,
    live_deployments,
    nodes_out_of_service,
    volumes_misplaced,
    wanted_of,
)
from provisioning.services import follow, orphans, plausibility
from provisioning.services.clusters import cluster_connection
from provisioning.services.finding_sources import sources_look
from provisioning.services.findings import Change, Ledger, Sighting
from provisioning.services.questions import Questions
from provisioning.services.saga.guest import is_ours
from provisioning.states import DeploymentStatus, FindingKind

_K = FindingKind
_S = DeploymentStatus
_COMPARED = frozenset({_S.RUNNING, _S.STOPPED, _S.ERROR, _S.DELETING})
_NEVER = datetime.min.replace(tzinfo=UTC)
_ABOUT_OURS = (_K.MISSING, _K.UNREACHABLE, _K.FOREIGN, _K.DRIFT, _K.VOLUME_MISSING)
_READ_AGAIN = (_K.DRIFT, _K.FOREIGN, _K.VOLUME_MISSING)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did, or in a dry run would do; `doubt` says why it did nothing."""

    cluster: str
    listed: int
    reads: int
    changes: list[Change]
    doubt: str = ""


@dataclass(order=True)
class Candidate:
    """A machine whose configuration should be read: why, and since when nobody has."""

    urgency: Urgency
    checked_at: datetime
    vmid: int
    guest: GuestSummary = field(compare=False)
    deployment: Deployment | None = field(compare=False, default=None)


def cluster_reconcile(cluster: Cluster, *, is_dry: bool = False) -> SweepReport:
    """Lists a cluster and sweeps over it now. Raises ProviderError when it cannot be listed."""
    asked_at = clock.now()
    hypervisor = hypervisor_for(cluster_connection(cluster))
    listing = hypervisor.listing()
    return sweep(cluster, listing, hypervisor, asked_at=asked_at, is_dry=is_dry)


def sweep(
    cluster: Cluster,
    listing: ClusterListing,
    hypervisor: Hypervisor,
    *,
    asked_at: datetime,
    is_dry: bool = False,
) -> SweepReport:
    """Compares a listing with our rows and writes findings; a doubtful listing changes nothing."""
    return Sweep(cluster, listing, hypervisor, asked_at=asked_at, is_dry=is_dry).run()


class Sweep:
    """The state of one sweep."""

    def __init__(
        self,
        cluster: Cluster,
        listing: ClusterListing,
        hypervisor: Hypervisor,
        *,
        asked_at: datetime,
        is_dry: bool,
    ) -> None:
        self.cluster = cluster
        self.view = View(listing)
        self.ask = Questions(hypervisor, cluster, limit=int(setting_get(READS)))
        self.asked_at = asked_at
        self.is_dry = is_dry
        self.now = clock.now()
        self.ledger = Ledger(cluster, now=self.now)
        self.live = {row.vmid: row for row in live_deployments(cluster)}
        self.checked = checked_times(cluster)
        self.out_of_service = nodes_out_of_service(cluster)
        self.checked_now: list[int] = []
        self.candidates: list[Candidate] = []

    def run(self) -> SweepReport:
        doubt = self._doubt()
        if doubt:
            return self._report(doubt)
        rows = self._settled()
        for row in rows:
            self._compare(row)
        orphans.look(self)
        self._check_candidates()
        self._clear_past()
        orphans.numbers_look(self)
        sources_look(self)
        if not self.is_dry:
            self.ledger.write(actor=self.actor())
            GuestObservation.objects.using(PLATFORM).filter(
                cluster=self.cluster, vmid__in=self.checked_now
            ).update(checked_at=self.now)
        return self._report()

    def actor(self, tenant_id: UUID = PLATFORM_TENANT_ID) -> Actor:
        return Actor.system("reconciliation", tenant_id=tenant_id)

    def suggest(
        self, urgency: Urgency, guest: GuestSummary, deployment: Deployment | None = None
    ) -> None:
        """Puts a machine on the list of those to read, unless that was done a moment ago."""
        checked_at = self._checked_at(guest.vmid)
        pause = timedelta(seconds=float(settings.PROVISIONING["recheck_s"]))
        if urgency is not Urgency.SOON or self.now - checked_at >= pause:
            self.candidates.append(Candidate(urgency, checked_at, guest.vmid, guest, deployment))

    def _doubt(self) -> str:
        age = self.now - self.asked_at
        if age > timedelta(seconds=float(settings.PROVISIONING["listing_age_s"])):
            return stored_text(
                "The listing is %(seconds)s s old.", seconds=round(age.total_seconds())
            )
        return plausibility.doubt(self)

    def _settled(self) -> list[Deployment]:
        """Rows that nothing is under way on and that have not changed since before the listing."""
        settle = timedelta(seconds=float(settings.PROVISIONING["observe_settle_s"]))
        rows = [
            row
            for row in self.live.values()
            if row.status in _COMPARED
            and (row.ready_at is not None or row.status == _S.DELETING)
            and row.updated_at < self.asked_at - settle
        ]
        quiet: list[Deployment] = []
        noticed: list[Deployment] = []
        for row in rows:
            (quiet if self._is_quiet(row) else noticed).append(row)
        noticed += self._patrol(quiet)
        busy = busy_ids([row.pk for row in noticed])
        return [row for row in noticed if row.pk not in busy]

    def _patrol(self, quiet: list[Deployment]) -> list[Deployment]:
        """A few of those that look right, the longest unread first: a listing does not show everything."""
        pause = timedelta(seconds=float(settings.PROVISIONING["patrol_s"]))
        due = [row for row in quiet if self.now - self._checked_at(row.vmid) >= pause]
        few = int(settings.PROVISIONING["patrol_reads"])
        return nsmallest(few, due, key=lambda row: self._checked_at(row.vmid))

    def _is_quiet(self, row: Deployment) -> bool:
        """Whether the listing shows a machine exactly as it should be, so that the sweep is done with it."""
        guest = self.view.guests.get(row.vmid)
        if guest is None or self.view.presence(row.vmid, row.node) is not Presence.PRESENT:
            return False
        stands = any(self.ledger.stands(kind, row.vmid) for kind in _ABOUT_OURS)
        is_as_known = guest.node == row.node and str(guest.status) == row.status
        return (
            is_as_known
            and not stands
            and is_signed(guest, row.pk, self.cluster.pool)
            and row.guest_facts is not None
            and not looks_different(guest, wanted_of(row))
        )

    def _checked_at(self, vmid: int) -> datetime:
        return self.checked.get(vmid, _NEVER)

    def _compare(self, row: Deployment) -> None:
        match self.view.presence(row.vmid, row.node):
            case Presence.PRESENT:
                self._compare_present(row, self.view.guests[row.vmid])
            case Presence.ABSENT:
                self._compare_absent(row)
            case Presence.UNKNOWN if self._is_lost(row):
                self._see(row, _K.UNREACHABLE, {"node": row.node}, {}, patience=self.patience())

    def _is_lost(self, row: Deployment) -> bool:
        """Whether a machine is out of reach without anybody having planned it."""
        is_planned = self.cluster.is_in_maintenance or row.node in self.out_of_service
        return self.view.is_lost(row.vmid, row.node) and not is_planned

    def _compare_absent(self, row: Deployment) -> None:
        self.ledger.clear(row.vmid, _K.UNREACHABLE)
        patience = self.patience()
        is_due = self.ledger.sweeps(_K.MISSING, row.vmid) >= patience
        is_proven = self.ledger.is_shown(_K.MISSING, row.vmid) or (
            is_due and self.ask.is_free(row.vmid)
        )
        if not is_proven:
            patience = self.ledger.sweeps(_K.MISSING, row.vmid) + 1
        expected = {"node": row.node, "name": row.name}
        self._see(row, _K.MISSING, expected, {}, patience=patience)
        if is_proven and not self.is_dry:
            follow.alarm_raise(
                row,
                _K.MISSING,
                stored_text(
                    "Machine %(vmid)s does not exist on %(cluster)s any more.",
                    vmid=row.vmid,
                    cluster=self.cluster.code,
                ),
                "",
            )

    def _compare_present(self, row: Deployment, guest: GuestSummary) -> None:
        self.ledger.clear(row.vmid, _K.UNREACHABLE)
        if row.status == _S.DELETING:
            self.ledger.clear(row.vmid, _K.MISSING)
            return
        signed = is_signed(guest, row.pk, self.cluster.pool)
        is_moved = guest.node != row.node
        differs_in_power = str(guest.status) != row.status and not guest.lock
        if signed and not is_moved and not self.ledger.stands(_K.FOREIGN, row.vmid):
            self._is_ours(row, guest)
        elif is_moved or differs_in_power or self.ledger.stands(_K.MISSING, row.vmid):
            self.suggest(Urgency.AT_ONCE, guest, row)
            return
        stands = any(self.ledger.stands(kind, row.vmid) for kind in _READ_AGAIN)
        if (
            not signed
            or stands
            or row.guest_facts is None
            or looks_different(guest, wanted_of(row))
        ):
            self.suggest(Urgency.SOON, guest, row)
        else:
            self.suggest(Urgency.PATROL, guest, row)

    def _is_ours(self, row: Deployment, guest: GuestSummary) -> None:
        """The machine is there and proven ours: by its sign on the listing, or by its configuration."""
        self.ledger.clear(row.vmid, _K.MISSING, _K.FOREIGN)
        if self.is_dry:
            return
        follow.alarm_lift(row, (_K.MISSING, _K.FOREIGN))
        if not guest.lock:
            follow.power_follow(row, guest.status)

    def _check_candidates(self) -> None:
        for candidate in sorted(self.candidates):
            config = self.ask.config(candidate.guest.node, candidate.vmid)
            if config is None:
                continue
            self.checked_now.append(candidate.vmid)
            if candidate.deployment is None:
                orphans.check(self, candidate.guest, config)
            else:
                self._check(candidate.deployment, candidate.guest, config)

    def _check(self, row: Deployment, guest: GuestSummary, config: GuestConfig) -> None:
        if config.lock in MAKING_LOCKS:
            return
        if not is_ours(row, config):
            self._see_foreign(row, config)
            return
        self._is_ours(row, guest)
        if config.node != row.node:
            self._moved(row, config.node)
            return
        if row.guest_facts is None and not self.is_dry:
            follow.facts_remember(row, facts_of(config, row.template.system_disk))
        difference = differences(wanted_of(row), config)
        if difference:
            self._see(row, _K.DRIFT, difference.expected, difference.found)
        else:
            self.ledger.clear(row.vmid, _K.DRIFT)
        expected, found = volumes_misplaced(row, config, before=self.asked_at)
        if expected:
            self._see(row, _K.VOLUME_MISSING, expected, found)
        else:
            self.ledger.clear(row.vmid, _K.VOLUME_MISSING)

    def _see_foreign(self, row: Deployment, config: GuestConfig) -> None:
        expected = {"marker": row.marker, "uuid": row.guest_uuid, "name": row.name}
        found = {"marker": config.marker, "uuid": config.uuid, "name": config.name}
        self._see(row, _K.FOREIGN, expected, found)
        self.ledger.clear(row.vmid, _K.MISSING, _K.DRIFT)
        if not self.is_dry:
            follow.alarm_raise(
                row,
                _K.FOREIGN,
                stored_text(
                    "The machine behind VMID %(vmid)s on %(cluster)s is not this deployment. "
                    "Nothing was changed on it. An operator must find out whose it is.",
                    vmid=row.vmid,
                    cluster=self.cluster.code,
                ),
                f"qm config {row.vmid}",
            )

    def _moved(self, row: Deployment, node: str) -> None:
        if self.is_dry or follow.node_follow(row, node):
            sighting = Sighting(
                kind=_K.MOVED,
                vmid=row.vmid,
                tenant_id=row.tenant_id,
                deployment_id=row.pk,
                node=node,
                expected={"node": row.node},
                found={"node": node},
                is_followed=True,
            )
            self.ledger.see(sighting)

    def _see(
        self,
        row: Deployment,
        kind: FindingKind,
        expected: dict[str, Any],
        found: dict[str, Any],
        *,
        patience: int = 1,
    ) -> None:
        sighting = Sighting(
            kind, row.vmid, row.tenant_id, row.pk, row.node, expected, found, patience
        )
        self.ledger.see(sighting)

    def _clear_past(self) -> None:
        """What stands about a deployment that has ended, or has another number by now, is past."""
        for finding in self.ledger.standing(*_ABOUT_OURS):
            row = self.live.get(finding.vmid)
            if row is None or row.pk != finding.deployment_id:
                self.ledger.clear(finding.vmid, FindingKind(finding.kind))

    def patience(self) -> int:
        return int(setting_get(MISSING_AFTER))

    def _report(self, doubt: str = "") -> SweepReport:
        return SweepReport(
            cluster=self.cluster.code,
            listed=len(self.view.guests),
            reads=self.ask.count,
            changes=self.ledger.changes(),
            doubt=doubt,
        )
