"""What can be done to volumes from the palette: grow, detach, attach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.kernel.commands import (
    Asking,
    Availability,
    Command,
    Fact,
    Offer,
    Parameter,
    ParameterKind,
    Plan,
    Row,
)
from portal.logic.command_line import DISK_UNITS
from portal.templatetags.ui import gib, money
from provisioning.models import Volume
from provisioning.permissions import Permission
from provisioning.selectors.volumes import (
    is_in_hands_of,
    volume_get,
    volume_list,
    volume_targets,
)
from provisioning.services.volumes import volume_resize_plan
from provisioning.web.presentation import meters
from provisioning.web.search import keys
from provisioning.web.volumes import obstacles

_K = ParameterKind
_A_VOLUME: Final = _("a volume")
_TO: Final = ("to", "à", "a", "sur")
_VOLUME: Final = Parameter("volume", _K.SUBJECT, _A_VOLUME, of="volume")


def _offer(action: str) -> Offer:
    """Which volumes the actor may do it to, and why not now."""

    def offer(asking: Asking, ids: Sequence[str]) -> Mapping[str, Availability]:
        rows = asking.once(
            ("volumes", tuple(ids)),
            lambda: list(volume_list(actor=asking.actor).filter(pk__in=keys(ids))),
        )
        return {str(one.pk): _available(asking, one, action) for one in rows}

    return offer


def _available(asking: Asking, volume: Volume, action: str) -> Availability:
    if not is_in_hands_of(asking.actor, volume):
        reason = gettext("It belongs to %(owner)s.") % {"owner": volume.owner}
        return Availability(reason, Permission.MANAGE, is_listed=False)
    reason = obstacles(volume)[action]
    return Availability(reason, is_listed=not reason)


def _subject(asking: Asking, values: Mapping[str, Any]) -> Volume:
    row: Row = values["volume"]
    return asking.once(("volume", row.id), lambda: volume_get(actor=asking.actor, volume_id=row.id))


def grow_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """A larger disk: its price, its share of the quota, and what forbids it."""
    volume, size_gb = _subject(asking, values), int(values["size_gb"])
    found = volume_resize_plan(actor=asking.actor, volume_id=volume.pk, size_gb=size_gb)
    refused = [fault.message for fault in found.faults]
    refused += [
        gettext("The quota of your organisation is too small for this.")
        for one in found.quota
        if not one.is_allowed
    ][:1]
    return Plan(
        title=gettext("Grow %(name)s") % {"name": volume.name},
        text=gettext("The file system on it has to be grown in the guest. It never shrinks again."),
        confirm=gettext("Grow"),
        action=reverse("provisioning:volume_action", args=[volume.pk, "grow"]),
        fields={"size_gb": str(found.size_gb)},
        facts=(
            Fact(gettext("Size"), gib(found.size_gb), before=gib(volume.size_gb)),
            Fact(gettext("A month"), money(found.cost.per_month)),
        ),
        meters=[meter for meter in meters(found.quota) if meter["value"] is not None][-1:],
        reason=obstacles(volume)["grow"] or " ".join(refused),
    )


def detach_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """Out of its machine."""
    volume = _subject(asking, values)
    return Plan(
        title=gettext("Detach %(name)s") % {"name": volume.name},
        text=gettext(
            "The disk is pulled out of the running guest: unmount it there first, or what is not "
            "written yet is lost."
        ),
        confirm=gettext("Detach"),
        action=reverse("provisioning:volume_action", args=[volume.pk, "detach"]),
        reason=obstacles(volume)["detach"],
        is_dangerous=True,
    )


def attach_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """Into a machine: the named one, else the one it was in last."""
    volume = _subject(asking, values)
    wanted = str(values.get("machine") or "")
    targets = {one.name: one for one in volume_targets(actor=asking.actor, volume=volume)}
    home = volume.deployment.name if volume.deployment else ""
    target = targets.get(wanted or home)
    reason = obstacles(volume)["attach"]
    if not reason and target is None:
        names = ", ".join(sorted(targets)[:5])
        reason = (
            gettext("These machines reach its storage: %(names)s.") % {"names": names}
            if names
            else gettext("None of your machines reaches its storage now.")
        )
    return Plan(
        title=gettext("Attach %(name)s") % {"name": volume.name},
        text=gettext("A running machine sees it at once; what is on it is not changed."),
        confirm=gettext("Attach"),
        action=reverse("provisioning:volume_action", args=[volume.pk, "attach"]),
        fields={"deployment": str(target.pk)} if target else {},
        facts=(Fact(gettext("Machine"), target.name),) if target else (),
        reason=reason,
    )


VOLUME_COMMANDS: Final = (
    Command(
        key="volume.grow",
        label=_("Grow a volume"),
        sub=_A_VOLUME,
        icon="scaling",
        permission=Permission.VOLUMES_MANAGE,
        phrases=("grow", "agrandir", "agrandis"),
        phrase=pgettext_lazy("first word of a command line", "grow"),
        pattern=_("Grow %(name)s"),
        joint=pgettext_lazy("grow data-1 to 40 gb", "to"),
        parameters=(
            _VOLUME,
            Parameter(
                "size_gb",
                _K.AMOUNT,
                _("how large"),
                after=_TO,
                units=DISK_UNITS,
                examples=(_("to 50 gb"), _("to 100 gb")),
            ),
        ),
        plan=grow_plan,
        offer=_offer("grow"),
        order=44,
    ),
    Command(
        key="volume.attach",
        label=_("Attach a volume"),
        sub=_A_VOLUME,
        icon="plug",
        permission=Permission.VOLUMES_MANAGE,
        phrases=("attach", "attacher", "attache"),
        phrase=pgettext_lazy("first word of a command line", "attach"),
        pattern=_("Attach %(name)s"),
        joint=pgettext_lazy("attach data-1 to web-2", "to"),
        parameters=(
            _VOLUME,
            Parameter("machine", _K.WORD, _("to which machine"), after=_TO, is_required=False),
        ),
        plan=attach_plan,
        offer=_offer("attach"),
        order=45,
    ),
    Command(
        key="volume.detach",
        label=_("Detach a volume"),
        sub=_A_VOLUME,
        icon="unplug",
        permission=Permission.VOLUMES_MANAGE,
        phrases=("detach", "détacher", "détache"),
        phrase=pgettext_lazy("first word of a command line", "detach"),
        pattern=_("Detach %(name)s"),
        parameters=(_VOLUME,),
        plan=detach_plan,
        offer=_offer("detach"),
        order=46,
    ),
)
