"""What the administration calls models and their columns; only there do people read such names.

The words stand beside the administration and not in the models, so that a better word needs no migration.
"""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise
_COLUMNS: Final[dict[str, Words]] = {
    "actor_label": _("who"),
    "address": _("address"),
    "attempts": _("attempts"),
    "attention": _("needs attention"),
    "bridge": _("bridge"),
    "category": _("category"),
    "channel": _("channel"),
    "clone_limit": _("clones at once"),
    "cluster": _("cluster"),
    "code": _("code"),
    "completed_at": _("ended"),
    "cpu_cores": _("vCPU"),
    "cpu_overcommit": _("times its processors may be given away"),
    "created_at": _("created"),
    "currency": _("currency"),
    "default_node": _("node"),
    "deployment_id": _("deployment"),
    "deployments": _("deployments"),
    "description": _("description"),
    "disk_gb": _("disk in GiB"),
    "expires_at": _("lease ends"),
    "fingerprints": _("fingerprints"),
    "hold": _("on hold"),
    "hosts": _("API hosts"),
    "hostname": _("host name"),
    "icon": _("icon"),
    "is_active": _("active"),
    "is_blocked": _("blocked by a stranger"),
    "is_enabled": _("machines may be placed here"),
    "is_in_maintenance": _("in maintenance"),
    "is_shared": _("shared"),
    "last_error": _("last error"),
    "last_heartbeat_at": _("last sign of life"),
    "last_seen_at": _("last listed"),
    "maintenance_reason": _("reason of the maintenance"),
    "memory_mb": _("memory in MiB"),
    "memory_overcommit": _("times its memory may be given away"),
    "name": _("name"),
    "node": _("node"),
    "outcome": _("outcome"),
    "owner": _("owner"),
    "pool": _("pool"),
    "port": _("port"),
    "quarantined_until": _("in quarantine until"),
    "queue": _("queue"),
    "released_at": _("released"),
    "scheduled_at": _("due"),
    "started_at": _("began"),
    "state": _("state"),
    "status": _("status"),
    "storage": _("storage"),
    "storage_pool": _("storage"),
    "subject_id": _("object"),
    "system_disk": _("system disk"),
    "tag": _("tag"),
    "tags": _("tags"),
    "target_label": _("target"),
    "template": _("template"),
    "tenant": _("organisation"),
    "tenant_id": _("organisation"),
    "timezone": _("time zone"),
    "token_id": _("id of the API token"),
    "token_ref": _("place of the API token"),
    "total_gb": _("size in GiB"),
    "type": _("type"),
    "updated_at": _("changed"),
    "user": _("user"),
    "version": _("version"),
    "vmid": _("machine number"),
    "worker": _("worker"),
}


def name_for_people(
    model: type[Model], name: Words = "", plural: Words = "", **columns: Words
) -> None:
    """Gives a model and its columns words; `columns` are those that read otherwise than elsewhere."""
    meta: Any = model._meta
    if name:
        meta.verbose_name, meta.verbose_name_plural = name, plural
    for field in meta.fields:
        is_named = isinstance(field.verbose_name, Promise)
        words = columns.get(field.name) or (None if is_named else _COLUMNS.get(field.name))
        field.verbose_name = words or field.verbose_name
