"""How the states look wherever they are shown: their words, icons and tones."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.kernel.ui import StatusStyle, Tone
from provisioning.states import (
    BootstrapStatus,
    DeploymentStatus,
    DnsStatus,
    FindingKind,
    FindingStatus,
    HealStatus,
    Health,
    RequestStatus,
    TransferStatus,
    Verdict,
    VolumeAction,
    VolumeStatus,
)

_R = RequestStatus
_B = BootstrapStatus
_T = TransferStatus
_S = DeploymentStatus
_K = FindingKind
_F = FindingStatus
_D = DnsStatus
_V = VolumeStatus

REQUEST_STYLES: Final[dict[str, StatusStyle]] = {
    _R.PENDING: StatusStyle(_R.PENDING.label, "hourglass", Tone.WARN),
    _R.APPROVED: StatusStyle(_R.APPROVED.label, "circle-check", Tone.OK),
    _R.DENIED: StatusStyle(_R.DENIED.label, "ban", Tone.DANGER),
    _R.WITHDRAWN: StatusStyle(_R.WITHDRAWN.label, "undo-2", Tone.IDLE),
    _R.EXPIRED: StatusStyle(_R.EXPIRED.label, "clock", Tone.IDLE),
}
BOOTSTRAP_STYLES: Final[dict[str, StatusStyle]] = {
    _B.PENDING: StatusStyle(_B.PENDING.label, "hourglass", Tone.INFO),
    _B.RUNNING: StatusStyle(_B.RUNNING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _B.DONE: StatusStyle(_B.DONE.label, "circle-check", Tone.OK),
    _B.FAILED: StatusStyle(_B.FAILED.label, "octagon-x", Tone.DANGER),
    _B.UNKNOWN: StatusStyle(_B.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
}
TRANSFER_STYLES: Final[dict[str, StatusStyle]] = {
    _T.PENDING: StatusStyle(_T.PENDING.label, "hourglass", Tone.WARN),
    _T.ACCEPTED: StatusStyle(_T.ACCEPTED.label, "circle-check", Tone.OK),
    _T.DECLINED: StatusStyle(_T.DECLINED.label, "ban", Tone.DANGER),
    _T.WITHDRAWN: StatusStyle(_T.WITHDRAWN.label, "undo-2", Tone.IDLE),
    _T.EXPIRED: StatusStyle(_T.EXPIRED.label, "clock", Tone.IDLE),
}
DEPLOYMENT_STYLES: Final[dict[str, StatusStyle]] = {
    _S.PROVISIONING: StatusStyle(
        _S.PROVISIONING.label, "loader-circle", Tone.INFO, is_spinning=True
    ),
    _S.RUNNING: StatusStyle(_S.RUNNING.label, "circle-check", Tone.OK),
    _S.STOPPED: StatusStyle(_S.STOPPED.label, "circle-pause", Tone.IDLE),
    _S.STARTING: StatusStyle(_S.STARTING.label, "power", Tone.INFO),
    _S.STOPPING: StatusStyle(_S.STOPPING.label, "power-off", Tone.INFO),
    _S.DELETING: StatusStyle(_S.DELETING.label, "trash-2", Tone.IDLE),
    _S.DELETED: StatusStyle(_S.DELETED.label, "archive", Tone.IDLE),
    _S.ERROR: StatusStyle(_S.ERROR.label, "octagon-x", Tone.DANGER),
}
HEALTH_STYLES: Final[dict[str, StatusStyle]] = {
    Health.UNKNOWN: StatusStyle(Health.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
    Health.OK: StatusStyle(Health.OK.label, "heart-pulse", Tone.OK),
    Health.DEGRADED: StatusStyle(Health.DEGRADED.label, "triangle-alert", Tone.WARN),
    Health.FAILED: StatusStyle(Health.FAILED.label, "heart-crack", Tone.DANGER),
}
VERDICT_STYLES: Final[dict[str, StatusStyle]] = {
    Verdict.OK: StatusStyle(Verdict.OK.label, "heart-pulse", Tone.OK),
    Verdict.DEGRADED: StatusStyle(Verdict.DEGRADED.label, "triangle-alert", Tone.WARN),
    Verdict.BAD: StatusStyle(Verdict.BAD.label, "heart-crack", Tone.DANGER),
    Verdict.UNKNOWN: StatusStyle(Verdict.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
    Verdict.IDLE: StatusStyle(Verdict.IDLE.label, "circle-pause", Tone.IDLE),
}
HEAL_STYLES: Final[dict[str, StatusStyle]] = {
    HealStatus.RUNNING: StatusStyle(
        HealStatus.RUNNING.label, "loader-circle", Tone.INFO, is_spinning=True
    ),
    HealStatus.DONE: StatusStyle(HealStatus.DONE.label, "heart-pulse", Tone.OK),
    HealStatus.FAILED: StatusStyle(HealStatus.FAILED.label, "octagon-x", Tone.DANGER),
    HealStatus.DROPPED: StatusStyle(HealStatus.DROPPED.label, "undo-2", Tone.IDLE),
}
FINDING_KIND_STYLES: Final[dict[str, StatusStyle]] = {
    _K.MISSING: StatusStyle(_K.MISSING.label, "search-x", Tone.DANGER),
    _K.UNREACHABLE: StatusStyle(_K.UNREACHABLE.label, "unplug", Tone.WARN),
    _K.FOREIGN: StatusStyle(_K.FOREIGN.label, "shield-alert", Tone.DANGER),
    _K.DRIFT: StatusStyle(_K.DRIFT.label, "diff", Tone.WARN),
    _K.ORPHAN: StatusStyle(_K.ORPHAN.label, "circle-question-mark", Tone.VIOLET),
    _K.HALF_CLONE: StatusStyle(_K.HALF_CLONE.label, "lock", Tone.DANGER),
    _K.MOVED: StatusStyle(_K.MOVED.label, "arrow-right-left", Tone.INFO),
    _K.REAPPEARED: StatusStyle(_K.REAPPEARED.label, "undo-2", Tone.DANGER),
    _K.STALE_VMID: StatusStyle(_K.STALE_VMID.label, "hash", Tone.IDLE),
    _K.TOO_MUCH_VANISHED: StatusStyle(_K.TOO_MUCH_VANISHED.label, "siren", Tone.DANGER),
    _K.ORPHAN_DISK: StatusStyle(_K.ORPHAN_DISK.label, "hard-drive", Tone.WARN),
    _K.TEMPLATE_MISSING: StatusStyle(_K.TEMPLATE_MISSING.label, "file-x", Tone.DANGER),
    _K.TEMPLATE_CHANGED: StatusStyle(_K.TEMPLATE_CHANGED.label, "file-diff", Tone.WARN),
    _K.STALE_RECORD: StatusStyle(_K.STALE_RECORD.label, "globe", Tone.WARN),
    _K.VOLUME_MISSING: StatusStyle(_K.VOLUME_MISSING.label, "hard-drive", Tone.DANGER),
}
FINDING_STYLES: Final[dict[str, StatusStyle]] = {
    _F.SUSPECTED: StatusStyle(_F.SUSPECTED.label, "eye", Tone.IDLE),
    _F.OPEN: StatusStyle(_F.OPEN.label, "circle-alert", Tone.WARN),
    _F.CLOSED: StatusStyle(_F.CLOSED.label, "bell-off", Tone.IDLE),
    _F.RESOLVED: StatusStyle(_F.RESOLVED.label, "circle-check", Tone.OK),
}
NODE_STYLES: Final[dict[str, StatusStyle]] = {
    "online": StatusStyle(_("Online"), "circle-check", Tone.OK),
    "offline": StatusStyle(_("Offline"), "octagon-x", Tone.DANGER),
    "unknown": StatusStyle(_("Unknown"), "circle-question-mark", Tone.IDLE),
}
DNS_STYLES: Final[dict[str, StatusStyle]] = {
    _D.PENDING: StatusStyle(_D.PENDING.label, "hourglass", Tone.INFO),
    _D.ACTIVE: StatusStyle(_D.ACTIVE.label, "circle-check", Tone.OK),
    _D.ERROR: StatusStyle(_D.ERROR.label, "triangle-alert", Tone.WARN),
    _D.REMOVING: StatusStyle(_D.REMOVING.label, "loader-circle", Tone.IDLE, is_spinning=True),
    _D.REMOVED: StatusStyle(_D.REMOVED.label, "archive", Tone.IDLE),
}
VOLUME_STYLES: Final[dict[str, StatusStyle]] = {
    _V.CREATING: StatusStyle(_V.CREATING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _V.ATTACHED: StatusStyle(_V.ATTACHED.label, "circle-check", Tone.OK),
    _V.DETACHED: StatusStyle(_V.DETACHED.label, "unplug", Tone.IDLE),
    _V.ERROR: StatusStyle(_V.ERROR.label, "octagon-x", Tone.DANGER),
    _V.DELETING: StatusStyle(_V.DELETING.label, "trash-2", Tone.IDLE),
    _V.DELETED: StatusStyle(_V.DELETED.label, "archive", Tone.IDLE),
}
VOLUME_ACTION_STYLES: Final[dict[str, StatusStyle]] = {
    action: StatusStyle(action.label, "loader-circle", Tone.INFO, is_spinning=True)
    for action in VolumeAction
}
