"""What people are told of quotas."""

from __future__ import annotations

from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.events import QuotaNearlyFull
from billing.logic.quota import UNITS
from portal.kernel import events
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.ui import Tone
from portal.permissions import Permission
from portal.selectors.memberships import members_permitted
from portal.services.notifications import Notice, notify

QUOTA: Final = "quota.nearly_full"
_PATH: Final = "/"
_MIB_PER_GIB: Final = 1024


def notices_register() -> None:
    """Makes the kind known and subscribes to what it tells of."""
    register_notice_kind(
        QUOTA, gettext_lazy("A quota is used up to 90 %"), "gauge", Tone.WARN, text=_quota_text
    )
    events.subscribe(QuotaNearlyFull, _quota_nearly_full)


def _quota_nearly_full(event: QuotaNearlyFull) -> None:
    """Whoever filled it is told, and who runs the organisation's members; once a day and dimension."""
    people = members_permitted(tenant_id=event.tenant_id, permission=Permission.MEMBERS_MANAGE)
    cause = f"quota:{event.dimension}:{event.limit}:{event.on.isoformat()}"
    words = {"dimension": event.dimension, "used": event.used, "limit": event.limit}
    notify(
        Notice(QUOTA, cause, _PATH, words),
        tenant_id=event.tenant_id,
        user_ids=[*people, event.actor_id],
    )


def _quota_text(words: Words) -> str:
    names = {
        "deployments": _("Deployments"),
        "cpu_cores": _("vCPU"),
        "memory_mb": _("Memory"),
        "disk_gb": _("Disk"),
    }
    unit, per_unit = UNITS[words["dimension"]], 1
    if words["dimension"] == "memory_mb":
        unit, per_unit = UNITS["disk_gb"], _MIB_PER_GIB
    figures = {
        name: number_format(round(words[name] / per_unit), use_l10n=True)
        for name in ("used", "limit")
    }
    said = {
        "name": names[words["dimension"]],
        "used": figures["used"],
        "limit": f"{figures['limit']} {unit}".strip(),
        "percent": round(100 * words["used"] / words["limit"]),
    }
    return _("Quota %(name)s: %(percent)s %% used, %(used)s of %(limit)s") % said
