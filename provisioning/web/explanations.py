"""What a finding means, in words, and its two sides, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from provisioning.models import Finding
from provisioning.states import FindingKind

_K = FindingKind
THERE, UNKNOWN, GONE = "there", "unknown", "gone"
_KNOWN: Final = {
    _K.MISSING: GONE,
    _K.UNREACHABLE: UNKNOWN,
    _K.FOREIGN: THERE,
    _K.DRIFT: THERE,
    _K.ORPHAN: THERE,
    _K.HALF_CLONE: THERE,
    _K.MOVED: THERE,
    _K.REAPPEARED: THERE,
    _K.STALE_VMID: GONE,
    _K.TOO_MUCH_VANISHED: UNKNOWN,
    _K.ORPHAN_DISK: GONE,
    _K.TEMPLATE_MISSING: GONE,
    _K.TEMPLATE_CHANGED: THERE,
    _K.STALE_RECORD: THERE,
    _K.VOLUME_MISSING: THERE,
}


def advice(finding: Finding) -> dict[str, str]:
    """{text, command}: what it means, what a person can do, and what to type if anything."""
    commands = {
        _K.FOREIGN: f"qm config {finding.vmid}",
        _K.HALF_CLONE: str(finding.found.get("command") or ""),
        _K.ORPHAN: f"qm config {finding.vmid}",
        _K.ORPHAN_DISK: str(finding.found.get("command") or ""),
        _K.TEMPLATE_CHANGED: f"qm config {finding.vmid}",
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


def sides(finding: Finding) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of a diff of both sides, and the labels of what is the same on both."""
    rows, same = [], []
    for pair in pairs(finding):
        if pair["expected"] is not None and pair["expected"] == pair["found"]:
            same.append(str(pair["label"]))
        else:
            rows.append(
                {"label": pair["label"], "before": pair["expected"], "after": pair["found"]}
            )
    return rows, same


def truths(finding: Finding) -> list[dict[str, Any]]:
    """The three things uHub can know of a machine; one of them is what it goes by here."""
    known = _KNOWN[FindingKind(finding.kind)]
    texts = {
        THERE: (_("There"), "circle-check", _("The cluster lists a machine under this number.")),
        UNKNOWN: (
            _("Unknown"),
            "circle-question-mark",
            _("Whoever could tell does not answer, or is not believed."),
        ),
        GONE: (
            _("Gone"),
            "circle-slash",
            _("The cluster, with quorum, calls the number free, several times in a row."),
        ),
    }
    return [
        {"label": label, "icon": icon, "text": text, "is_current": key == known}
        for key, (label, icon, text) in texts.items()
    ]


def decisions(finding: Finding, actions: Iterable[str], obstacle: str) -> list[dict[str, str]]:
    """What may be decided, each with what follows from it."""
    looks = {**_ends(), **_repairs(finding)}
    found = []
    for code in actions:
        label, icon, variant, text = looks[code]
        found.append(
            {
                "code": code,
                "label": label,
                "icon": icon,
                "variant": variant,
                "text": text,
                "obstacle": obstacle if code == "reapply" else "",
            }
        )
    return found


def _repairs(finding: Finding) -> dict[str, tuple[str, str, str, str]]:
    """Label, icon, look and consequence of what sets things right."""
    return {
        "reapply": (
            pgettext("button", "Set again"),
            "rotate-cw",
            "primary",
            _("The machine gets our figures back; processor and memory at its next start."),
        ),
        "adopt": (
            _("Adopt"),
            "user-round-plus",
            "primary",
            _("It becomes a deployment on hold and counts against a quota."),
        ),
        "accept": (_("Accept"), "check", "", _accepted(finding)),
        "repair": (
            pgettext("button", "Set again"),
            "rotate-cw",
            "primary",
            _("uHub writes its names once more. What somebody else keeps there is left alone."),
        ),
    }


def _ends() -> dict[str, tuple[str, str, str, str]]:
    """The same of what ends something."""
    return {
        "forget": (
            _("Forget"),
            "eraser",
            "danger",
            _("Quota, name and number are released. Nothing is sent to the cluster."),
        ),
        "delete": (
            _("Delete the disks"),
            "trash-2",
            "danger",
            _("Every machine's configuration is read first; then these disks are erased for ever."),
        ),
        "destroy": (
            _("Destroy"),
            "trash-2",
            "danger",
            _(
                "The machine is proven to be the forgotten one, then destroyed. Its volumes are kept."
            ),
        ),
        "remove": (
            _("Remove"),
            "trash-2",
            "danger",
            _("The names are taken from the name server where they bear uHub's mark."),
        ),
        "leave": (
            _("Leave it"),
            "hand",
            "",
            _("uHub lets go of these names. Nothing changes at the name server."),
        ),
        "close": (
            _("Close"),
            "bell-off",
            "",
            _("It may stand as it is. It opens again when it changes."),
        ),
    }


def _accepted(finding: Finding) -> str:
    if finding.kind == _K.DRIFT:
        return _("The found values become the deployment's own. Quota and price follow.")
    if finding.kind == _K.STALE_VMID:
        return _("The number goes into quarantine and is given out again later.")
    if finding.kind == _K.TEMPLATE_CHANGED:
        return _("New machines are made from it as it is now; uHub remembers these figures.")
    return _("uHub believes that these machines are gone, and looks for each of them one by one.")


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
        "names": _("Names"),
        "nets": _("Network cards"),
        "node": _("Node"),
        "uuid": _("SMBIOS uuid"),
        "marker": _("Marker"),
        "pool": _("Pool"),
        "tags": _("Tags"),
        "lock": _("Lock"),
        "deployment": _("Deployment"),
        "own_volumes": _("Volumes"),
        "is_blocked": _("Blocked by a stranger"),
        "machines": _("Machines"),
        "storage": _("Storage"),
        "volumes": _("Disks"),
        "is_template": _("Is a template"),
        "listed": _("On the listing"),
        "vmids": _("Missing numbers"),
        "vanish_percent": _("Doubted from"),
    }


def _texts() -> dict[str, str]:
    return {**_texts_of_machines(), **_texts_of_the_rest()}


def _texts_of_machines() -> dict[str, str]:
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
            "no quota. Adopt it, destroy it, or close this with a reason."
        ),
    }


def _texts_of_the_rest() -> dict[str, str]:
    """Numbers, disks, templates, names and the listing itself."""
    return {
        _K.STALE_VMID: _(
            "This number is held although no deployment and no machine has it. Accepting releases it "
            "into quarantine."
        ),
        _K.ORPHAN_DISK: _(
            "A machine was destroyed, but its storage still holds disks with its number. Nobody uses them, "
            "and they block the room. Delete them here, or type the command on the node."
        ),
        _K.TEMPLATE_MISSING: _(
            "Machines are to be cloned from here, but there is no template under this number any more. "
            "Bring it back, or withdraw the template: until then making one fails."
        ),
        _K.TEMPLATE_CHANGED: _(
            "The machine that others are cloned from has other figures than before. Accept them if "
            "somebody meant it; else find out who changed it."
        ),
        _K.STALE_RECORD: _(
            "A name in a zone of ours is missing, leads elsewhere, or belongs to no machine uHub knows. Write "
            "it again, remove it, or leave it as it is."
        ),
        _K.VOLUME_MISSING: _(
            "A volume is not in its machine any more, or is larger there than it was made. uHub has "
            "changed nothing. Detach the volume to take over what was found, or put the disk back."
        ),
        _K.TOO_MUCH_VANISHED: _(
            "So many machines are missing from the listing at once that uHub doubts the listing rather "
            "than believes it: perhaps the token lost its rights. Nothing is compared and nothing changes "
            "until a listing is whole again. If they are gone indeed, accept it with the reason."
        ),
    }
