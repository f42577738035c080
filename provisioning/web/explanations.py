"""What a finding means, in words, and its two sides, line by line."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from provisioning.models import Finding
from provisioning.states import FindingKind

_K = FindingKind


def advice(finding: Finding) -> dict[str, str]:
    """{text, command}: what it means, what a person can do, and what to type if anything."""
    commands = {
        _K.FOREIGN: f"qm config {finding.vmid}",
        _K.HALF_CLONE: str(finding.found.get("command") or ""),
        _K.ORPHAN: f"qm config {finding.vmid}",
    }
    return {"text": _texts()[finding.kind], "command": commands.get(FindingKind(finding.kind), "")}


def pairs(finding: Finding) -> list[dict[str, Any]]:
    """{label, expected, found} for each value; None stands for what one side does not say."""
    labels = _labels()
    names = [*finding.expected, *(name for name in finding.found if name not in finding.expected)]
    return [
        {
            "label": labels.get(name, name),
            "expected": _value(name, finding.expected.get(name)),
            "found": _value(name, finding.found.get(name)),
        }
        for name in names
        if name != "command"
    ]


def _value(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    texts = {
        "memory_mb": _("%(amount)s MiB"),
        "disk_gb": _("%(amount)s GiB"),
        "vanish_percent": _("%(amount)s%%"),
    }
    return texts[name] % {"amount": value} if name in texts else str(value)


def _labels() -> dict[str, str]:
    return {
        "cpu_cores": _("vCPU"),
        "memory_mb": _("Memory"),
        "disk_gb": _("Disk"),
        "disks": _("Disks"),
        "name": _("Name"),
        "nets": _("Network cards"),
        "node": _("Node"),
        "uuid": _("SMBIOS uuid"),
        "marker": _("Marker"),
        "pool": _("Pool"),
        "tags": _("Tags"),
        "lock": _("Lock"),
        "deployment": _("Deployment"),
        "is_blocked": _("Blocked by a stranger"),
        "machines": _("Machines"),
        "listed": _("On the listing"),
        "vmids": _("Missing numbers"),
        "vanish_percent": _("Doubted from"),
    }


def _texts() -> dict[str, str]:
    return {
        _K.MISSING: _(
            "The machine was absent from several listings, and the cluster, with quorum, calls its number "
            "free. If it is gone for good, forget it: quota, name and number are released."
        ),
        _K.UNREACHABLE: _(
            "The node of this machine has not answered for several listings, so nothing is known of it. "
            "Nothing was changed. If the node is lost for good, the machine can be forgotten; should it "
            "come back, that is told."
        ),
        _K.FOREIGN: _(
            "Another machine sits under the number of this deployment. uHub has not touched it and will "
            "not. Find out whose it is, and where ours has gone."
        ),
        _K.DRIFT: _(
            "The machine was changed outside uHub. Set our figures again, or accept what was found: "
            "quota and price follow."
        ),
        _K.ORPHAN: _(
            "A machine sits where only ours should: by its number, its pool or its tags. It belongs to no "
            "deployment. Adopt it for an organisation, or close this with the reason why it may stay."
        ),
        _K.HALF_CLONE: _(
            "The lock of a clone is left and nothing makes the machine any more. A token cannot remove "
            "such a lock: type the command on the node, once you are sure that nobody needs the machine."
        ),
        _K.MOVED: _("The machine was moved to another node. uHub has followed it."),
        _K.REAPPEARED: _(
            "A machine is back whose deployment has ended: it carries that deployment's marker. It holds "
            "no quota. Adopt it, or close this with a reason."
        ),
        _K.STALE_VMID: _(
            "This number is held although no deployment and no machine has it. Accepting releases it "
            "into quarantine."
        ),
        _K.TOO_MUCH_VANISHED: _(
            "So many machines are missing from the listing at once that uHub doubts the listing rather "
            "than believes it: perhaps the token lost its rights. Nothing is compared and nothing changes "
            "until a listing is whole again. If they are gone indeed, accept it with the reason."
        ),
    }
