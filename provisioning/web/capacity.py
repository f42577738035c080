"""How much there is left: of the clusters for who looks after them, of the quota for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils import formats
from django.utils.translation import gettext as _

from billing.logic.quota import Verdict
from portal.templatetags.ui import gib, mib
from provisioning.permissions import Permission
from provisioning.selectors.overview import ClusterOverview, Share, total
from provisioning.web import sights
from provisioning.web.presentation import meters


def capacity(request: HttpRequest) -> Mapping[str, Any]:
    """Rings of the clusters with the quota as bars, or rings of the quota alone."""
    verdicts = sights.quota(request)
    if not sights.actor().may(Permission.INFRASTRUCTURE_VIEW):
        return {
            "rings": [_ring_of(one) for one in verdicts if one.dimension != "deployments"],
            "meters": meters(verdicts[:1], with_change=False),
            "clusters": (),
        }
    clusters = sights.clusters(request)
    return {
        "rings": _rings(clusters),
        "meters": meters(verdicts, with_change=False),
        "clusters": clusters,
        "has_page": True,
    }


def performance(request: HttpRequest) -> Mapping[str, Any]:
    """The clusters alone, for staff without an organisation."""
    clusters = sights.clusters(request)
    return {"rings": _rings(clusters), "meters": (), "clusters": clusters}


def _rings(clusters: Sequence[ClusterOverview]) -> list[dict[str, Any]]:
    cpu = total(one.cpu_cores for one in clusters)
    memory = total(one.memory_mb for one in clusters)
    disk = total(one.disk_gb for one in clusters)
    return [
        _ring(_("CPU"), cpu, f"{_number(cpu.used)} / {_number(cpu.capacity)}", ""),
        _ring(_("Memory"), memory, f"{mib(memory.used)} / {mib(memory.capacity)}", "info"),
        _ring(_("Storage"), disk, f"{gib(disk.used)} / {gib(disk.capacity)}", "violet"),
    ]


def _ring(label: str, share: Share, note: str, tone: str) -> dict[str, Any]:
    return {"label": label, "value": share.used, "max": share.capacity, "note": note, "tone": tone}


def _ring_of(verdict: Verdict) -> dict[str, Any]:
    (meter,) = meters([verdict], with_change=False)
    tones = {"memory_mb": "info", "disk_gb": "violet"}
    return {
        "label": meter["label"],
        "value": verdict.used,
        "max": verdict.limit or 0,
        "note": meter["text"],
        "tone": meter["tone"] or tones.get(verdict.dimension, ""),
    }


def _number(value: int) -> str:
    return formats.number_format(value, use_l10n=True, force_grouping=True)
