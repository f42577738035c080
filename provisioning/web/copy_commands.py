"""Backing up and taking snapshots from the palette, and why a copy cannot be asked for at this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.kernel import clock
from portal.kernel.commands import (
    Asking,
    Availability,
    Command,
    Fact,
    Offer,
    Parameter,
    ParameterKind,
    Plan,
)
from portal.kernel.dates import date_and_time
from portal.kernel.errors import DomainError
from portal.services.settings import setting_get
from provisioning.logic.copy_states import BackupMode, BackupStatus
from provisioning.models import Backup, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.copies import copies_under_way
from provisioning.selectors.deployments import is_in_hands_of
from provisioning.services.copies.backups import backup_demand_room
from provisioning.services.copies.snapshots import snapshot_demand_name, snapshot_demand_room
from provisioning.services.operations import OperationType
from provisioning.states import DeploymentStatus
from provisioning.web.command_plans import machine_of, machines_of
from provisioning.web.commands import MACHINE, REASON
from provisioning.web.volumes import attached_to

_GONE: Final = frozenset({DeploymentStatus.DELETING, DeploymentStatus.DELETED})


def copy_obstacle(deployment: Deployment) -> str:
    """Why no copy can be asked for at this moment; empty when it can."""
    if deployment.ready_at is None:
        return _("It was never ready: there is nothing to copy.")
    if deployment.is_busy:
        return _("Another action is under way.")
    return ""


def _offer(*excludes: OperationType) -> Offer:
    """Which machines can be copied now; the kinds of work in `excludes` are waited for."""

    def offer(asking: Asking, ids: Sequence[str]) -> Mapping[str, Availability]:
        machines = machines_of(asking, ids)
        known = {str(one.pk): _available(asking, one) for one in machines}
        if all(one.reason for one in known.values()):
            return known
        works = asking.once(("copies", tuple(ids)), lambda: copies_under_way(machines))
        waited = Availability(_("A copy of it is under way. Wait until it has ended."))
        for one in machines:
            is_waited_for = not works.get(one.pk, set()).isdisjoint(excludes)
            if is_waited_for and not known[str(one.pk)].reason:
                known[str(one.pk)] = waited
        return known

    return offer


def _available(asking: Asking, machine: Deployment) -> Availability:
    if not is_in_hands_of(asking.actor, machine):
        reason = _("It belongs to %(owner)s.") % {"owner": machine.owner}
        return Availability(reason, Permission.MANAGE, is_listed=False)
    if machine.status in _GONE:
        return Availability(_("It is being deleted."), is_listed=False)
    return Availability(copy_obstacle(machine))


def backup_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """A backup now: where it goes, what is not in it, and when there was one last."""
    machine = machine_of(asking, values)
    rows = Backup.objects.filter(deployment=machine, status=BackupStatus.COMPLETE)
    last = rows.order_by("-archived_at").values_list("archived_at", flat=True).first()
    storage = str(setting_get("cloudpods.backup.storage"))
    facts = [
        Fact(_("Storage"), storage or _("the first that takes backups")),
        Fact(_("Last backup"), date_and_time(last) if last else _("none")),
    ]
    if left_out := attached_to(machine):
        names = ", ".join(one.name for one in left_out)
        facts.append(Fact(_("Not in it: its volumes"), names, tone="warn"))
    base: dict[str, Any] = {
        "title": _("Back up %(name)s") % {"name": machine.name},
        "confirm": _("Back up"),
        "text": _("The machine goes on; it cannot be changed until the archive is written."),
        "facts": tuple(facts),
    }
    if reason := _refusal(lambda: backup_demand_room(machine)):
        return Plan(**base, reason=reason)
    fields = {"mode": BackupMode.SNAPSHOT.value, "notes": str(values.get("reason", ""))[:200]}
    return Plan(**base, action=_address(machine, "backup"), fields=fields)


def snapshot_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """A snapshot now: its name, and when it goes by itself."""
    machine = machine_of(asking, values)
    now = clock.now()
    name = str(values.get("name") or now.strftime("at-%Y%m%d-%H%M%S"))
    hours = int(setting_get("cloudpods.snapshot.max_age_hours"))
    base: dict[str, Any] = {
        "title": _("Take a snapshot of %(name)s") % {"name": machine.name},
        "confirm": _("Take it"),
        "text": _("It lies beside the disks: it is no backup."),
        "facts": (
            Fact(_("Name"), name),
            Fact(_("Kept until"), date_and_time(now + timedelta(hours=hours))),
        ),
    }
    refusal = _refusal(lambda: snapshot_demand_name(machine, name))
    if reason := refusal or _refusal(lambda: snapshot_demand_room(machine)):
        return Plan(**base, reason=reason)
    fields = {"name": name, "description": str(values.get("reason", ""))[:200]}
    return Plan(**base, action=_address(machine, "snapshot"), fields=fields)


def _refusal(demand: Callable[[], None]) -> str:
    """What the service would say to it; empty when it would agree."""
    try:
        demand()
    except DomainError as error:
        return error.message
    return ""


def _address(machine: Deployment, kind: str) -> str:
    return reverse("provisioning:copy_ask", args=[machine.pk, kind])


_EXCLUSIVE: Final = (OperationType.BACKUP_RESTORE, OperationType.SNAPSHOT_ROLLBACK)
COPY_COMMANDS: Final = (
    Command(
        key="deployment.backup",
        label=gettext_lazy("Back up"),
        sub=gettext_lazy("a machine"),
        icon="archive",
        permission=Permission.BACKUPS_MANAGE,
        phrases=("back up", "backup", "sauvegarder", "sauvegarde"),
        phrase=pgettext_lazy("first word of a command line", "back up"),
        pattern=gettext_lazy("Back up %(name)s"),
        parameters=(MACHINE, REASON),
        offer=_offer(*_EXCLUSIVE, OperationType.BACKUP_CREATE),
        plan=backup_plan,
        order=44,
    ),
    Command(
        key="deployment.snapshot",
        label=gettext_lazy("Take a snapshot"),
        sub=gettext_lazy("a machine"),
        icon="camera",
        permission=Permission.BACKUPS_MANAGE,
        phrases=("snapshot", "take a snapshot of", "instantané", "photographier"),
        phrase=pgettext_lazy("first word of a command line", "snapshot"),
        pattern=gettext_lazy("Take a snapshot of %(name)s"),
        parameters=(
            MACHINE,
            Parameter(
                "name",
                ParameterKind.WORD,
                gettext_lazy("its name"),
                after=("named", "called", "nommé", "nomme", "appelé", "appele"),
                is_required=False,
            ),
            REASON,
        ),
        offer=_offer(*_EXCLUSIVE),
        plan=snapshot_plan,
        order=45,
    ),
)
