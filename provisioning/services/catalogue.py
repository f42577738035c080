"""Clusters and templates are registered by platform staff; tokens go to the secret store."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from audit.services import trail
from integrations.services.secrets import secret_put
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from provisioning.errors import DeploymentInvalid
from provisioning.models import Cluster, Node, Storage, Template, TemplateCopy
from provisioning.permissions import Permission
from provisioning.tags import Tag

_SOURCE: Final = (
    *("proxmox_template_vmid", "storage_pool"),
    *("app_stack", "install_options", "bootstrap", "snippet"),
)


def cluster_save(
    *, actor: Actor, code: str, token_secret: str | None = None, **fields: Any
) -> Cluster:
    """Makes or changes a cluster; a given token is stored as a secret, the row keeps the reference.

    Raises:
        Refused: the actor does not manage clusters.
        DeploymentInvalid: a field breaks its rule.
    """
    authorize(actor, Permission.CLUSTERS_MANAGE)
    path = f"platform/clusters/{code}"
    if token_secret is not None:
        secret_put(path, {"token": token_secret})
    with platform_alias(), transaction.atomic(using=PLATFORM):
        cluster = Cluster.objects.filter(code=code).first() or Cluster(code=code)
        _apply(cluster, {"token_ref": f"vault:{path}#token", **fields})
        _record(actor, Tag.CLUSTER_SAVED, cluster, sorted(fields))
    return cluster


def template_save(*, actor: Actor, code: str, **fields: Any) -> Template:
    """Makes or changes a template; its version grows with every change of what a machine is made from.

    Raises:
        Refused: the actor does not manage templates.
        DeploymentInvalid: a field breaks its rule.
    """
    authorize(actor, Permission.CLUSTERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        template = Template.objects.filter(code=code).first() or Template(code=code)
        is_new = template._state.adding
        if not is_new and any(
            fields.get(n, getattr(template, n)) != getattr(template, n) for n in _SOURCE
        ):
            fields["version"] = template.version + 1
        _apply(template, fields)
        _record(actor, Tag.TEMPLATE_SAVED, template, sorted(fields))
    return template


def template_copy_save(
    *, actor: Actor, template: Template, cluster: Cluster, vmid: int, **fields: Any
) -> TemplateCopy:
    """Makes or changes a further place of a template.

    Raises:
        Refused: the actor does not manage templates.
        DeploymentInvalid: a field breaks its rule, or the VMID is another template's copy.
    """
    authorize(actor, Permission.CLUSTERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        known = TemplateCopy.objects.filter(template=template, cluster=cluster, vmid=vmid).first()
        copy = known or TemplateCopy(template=template, cluster=cluster, vmid=vmid)
        _apply(copy, fields)
        trail.record(
            tag=Tag.TEMPLATE_SAVED,
            target=template,
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
            after={"code": template.code, "cluster": cluster.code, "vmid": vmid, **fields},
        )
    return copy


def node_limits_set(*, actor: Actor, node: Node, **limits: Any) -> Node:
    """Gives a node limits of its own; empty ones are the settings'. Raises Refused, DeploymentInvalid."""
    authorize(actor, Permission.CLUSTERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        row = Node.objects.select_for_update(of=("self",)).get(pk=node.pk)
        before = {name: _plain(getattr(row, name)) for name in limits}
        _apply(row, limits)
        after = {name: _plain(value) for name, value in limits.items()}
        _record_change(actor, Tag.NODE_CHANGED, row, before, after)
    return row


def storage_open(*, actor: Actor, storage: Storage, is_enabled: bool) -> Storage:
    """Opens a storage for new machines or closes it. Raises Refused."""
    authorize(actor, Permission.CLUSTERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        row = Storage.objects.select_for_update(of=("self",)).get(pk=storage.pk)
        before = {"is_enabled": row.is_enabled}
        _apply(row, {"is_enabled": is_enabled})
        _record_change(actor, Tag.STORAGE_CHANGED, row, before, {"is_enabled": is_enabled})
    return row


def _listed(row: Model, changed: dict[str, Any]) -> set[str]:
    """What a listing filled, as it may: people answer for what they change alone."""
    names = {field.name for field in row._meta.fields}
    return names - set(changed) if isinstance(row, Node | Storage) else set()


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _record_change(
    actor: Actor,
    tag: Tag,
    row: Node | Storage,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    if before != after:
        trail.record(
            tag=tag,
            target=row,
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
            before=before,
            after=after,
        )


def _apply(row: Cluster | Template | TemplateCopy | Node | Storage, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    try:
        row.full_clean(exclude=_listed(row, fields))
    except ValidationError as error:
        faults = tuple(
            Fault(name, "invalid", message)
            for name, found in error.message_dict.items()
            for message in found
        )
        raise DeploymentInvalid(faults=faults) from error
    row.save(using=PLATFORM)


def _record(actor: Actor, tag: Tag, row: Cluster | Template, changed: list[str]) -> None:
    trail.record(
        tag=tag,
        target=row,
        actor=actor,
        tenant_id=PLATFORM_TENANT_ID,
        after={"code": row.code, "fields": changed},
    )
