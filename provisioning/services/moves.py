"""A machine that goes to another organisation, by platform staff: everything at once, or nothing.

Its rows follow by the composite foreign keys (`ON UPDATE CASCADE`); quota changes books under both usage
rows. What happened stays where it happened: audit entries and operations are the old organisation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from audit.services import trail
from billing.models import Tenant
from billing.services.quotas import quota_transfer
from portal.kernel import clock, events
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from portal.kernel.models import TenantForeignKey
from portal.kernel.tenancy import PLATFORM, platform_alias, tenant_scope
from portal.models import Operation, User
from portal.selectors.memberships import members_permitted
from portal.states import OPEN_STATUSES
from provisioning.errors import DeploymentBusy
from provisioning.events import DeploymentChanged, OwnershipSettled
from provisioning.models import Deployment, OwnershipTransfer, Volume
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.services.plan import NAME_CONSTRAINT
from provisioning.states import DeploymentStatus, TransferStatus, VolumeStatus
from provisioning.tags import Tag

_FIGURES: Final = ("MetricSubject", "MetricSample", "Metric5m", "Metric1h")
_SETTLED: Final = (DeploymentStatus.RUNNING, DeploymentStatus.STOPPED, DeploymentStatus.ERROR)


def deployment_move(
    *,
    actor: Actor,
    deployment_id: UUID | str,
    to_tenant_id: UUID | str,
    to_user_id: UUID | str,
    reason: str,
) -> Deployment:
    """Gives a machine of the actor's organisation in scope to a person of another one.

    Raises:
        NotFound, Refused: platform staff only.
        InvalidInput: organisation, person or reason.
        DeploymentBusy: something is under way on it.
        QuotaExceeded: the receiver lacks room; the error names the dimension.
        Conflict: its name is taken there, or something that belongs to it cannot go along.
    """
    with transaction.atomic():
        seen = deployment_get(actor=actor, deployment_id=deployment_id)
    authorize(actor, Permission.MOVE)
    said = " ".join(reason.split())
    if not 3 <= len(said) <= 500:
        message = _("Say why, in 3 to %(most)s characters.") % {"most": 500}
        raise InvalidInput(faults=(Fault("reason", "invalid", message),))
    with platform_alias(), transaction.atomic(using=PLATFORM):
        # Locked without its relations: a join would lose a row whose tenant changed while we waited.
        row = Deployment.objects.select_for_update().get(pk=seen.pk)
        if row.tenant_id != seen.tenant_id:
            raise NotFound(_("There is no such deployment."))
        target = _target(row, to_tenant_id)
        receiver = _receiver(target, to_user_id)
        _demand_quiet(row)
        _demand_portable(row, target)
        before = {"organisation": row.tenant.name, "owner": str(row.owner)}
        _go(row, target, receiver)
        after = {"organisation": target.name, "owner": str(receiver), **row.amounts.as_dict()}
        for tag, tenant_id in ((Tag.TENANT_LEFT, seen.tenant_id), (Tag.TENANT_JOINED, target.pk)):
            trail.record(
                tag=tag,
                target=row,
                actor=actor,
                tenant_id=tenant_id,
                before=before,
                after=after,
                detail={"message": said},
            )
        _tell(row, seen.tenant_id, receiver)
    return row


def followers() -> list[type[models.Model]]:
    """Tables whose rows belong to one machine, found by their references, so that none is forgotten."""
    return [
        model
        for model in apps.get_models()
        if any(field.related_model is Deployment for field in _references(model))
    ]


def _references(model: type[models.Model]) -> Iterator[TenantForeignKey]:
    for field in model._meta.get_fields():
        if isinstance(field, TenantForeignKey):
            yield field


def _target(row: Deployment, to_tenant_id: UUID | str) -> Tenant:
    try:
        target = Tenant.objects.filter(pk=UUID(str(to_tenant_id)), is_active=True).first()
    except ValueError:
        target = None
    if target is None or target.pk == row.tenant_id:
        message = _("Choose another active organisation.")
        raise InvalidInput(faults=(Fault("tenant_id", "invalid", message),))
    return target


def _receiver(target: Tenant, to_user_id: UUID | str) -> User:
    able = members_permitted(tenant_id=target.pk, permission=Permission.OPERATE)
    key = _key(to_user_id)
    receiver = User.objects.filter(pk=key).first() if key is not None and key in able else None
    if receiver is None:
        message = _("Choose an active member of that organisation who may operate deployments.")
        raise InvalidInput(faults=(Fault("owner_id", "invalid", message),))
    return receiver


def _key(value: UUID | str) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _demand_quiet(row: Deployment) -> None:
    under_way = Operation.objects.filter(target_id=row.pk, status__in=OPEN_STATUSES)
    if row.status not in _SETTLED or under_way.exists():
        raise DeploymentBusy


def _demand_portable(row: Deployment, target: Tenant) -> None:
    """Names in a zone of the old organisation cannot go along: the zone stays."""
    bound = row.dns_records.exclude(status="removed").exclude(zone__organisation=None)
    record = bound.exclude(zone__organisation=target.pk).first()
    if record is not None:
        message = _(
            "%(name)s is in the zone %(zone)s of the present organisation. Remove that name first."
        )
        told = message % {"name": record.hostname, "zone": record.zone_name}
        raise Conflict(told, code="cannot_move", what="dns_record")


def _go(row: Deployment, target: Tenant, receiver: User) -> None:
    source_id = row.tenant_id
    # What is plugged in goes along and gets its owner; what was let go stays behind.
    disks = Volume.objects.filter(deployment=row.pk)
    disks.filter(status=VolumeStatus.DETACHED).update(deployment=None, updated_at=clock.now())
    disks.update(owner=receiver, updated_at=clock.now())
    subjects = [row.pk]
    for model in followers():
        if hasattr(model, "amounts"):
            held = model._base_manager.using(PLATFORM).filter(deployment=row.pk)
            subjects += held.values_list("pk", flat=True)
        _cut(model, row)
    quota_transfer(source_id=source_id, target_id=target.pk, subject_ids=subjects)
    OwnershipTransfer.objects.filter(deployment=row.pk, status=TransferStatus.PENDING).update(
        status=TransferStatus.EXPIRED, decided_at=clock.now(), updated_at=clock.now()
    )
    try:
        with transaction.atomic(using=PLATFORM):
            Deployment.objects.filter(pk=row.pk).update(
                tenant=target, owner=receiver, updated_at=clock.now()
            )
    except IntegrityError as error:
        raise _blocked(error) from error
    row.tenant, row.owner = target, receiver
    for name in _FIGURES:
        _figures_follow(name, row)


def _cut(model: type[models.Model], row: Deployment) -> None:
    """A link from one of its rows to something of the old organisation that may be empty is emptied."""
    others = {
        field.name: None
        for field in _references(model)
        if field.related_model not in {Deployment, model} and field.null
    }
    if others:
        model._base_manager.using(PLATFORM).filter(deployment=row.pk).update(**others)


def _figures_follow(name: str, row: Deployment) -> None:
    """What was measured follows by the machine's id: those tables have no reference."""
    model = apps.get_model("provisioning", name)
    key = "pk" if name == "MetricSubject" else "subject_id"
    model._base_manager.using(PLATFORM).filter(**{key: row.pk}).update(tenant_id=row.tenant_id)


def _blocked(error: IntegrityError) -> Conflict:
    if NAME_CONSTRAINT in str(error):
        message = _("That organisation has a deployment of this name. Rename one of them first.")
        return Conflict(message, code="name_taken", field="name")
    diagnosis: Any = getattr(error.__cause__, "diag", None)
    table = getattr(diagnosis, "table_name", None) or "?"
    names = {m._meta.db_table: str(m._meta.verbose_name_plural) for m in apps.get_models()}
    message = _("What belongs to it cannot go along (%(what)s). Remove that first.")
    return Conflict(message % {"what": names.get(table, table)}, code="cannot_move", what=table)


def _tell(row: Deployment, source_id: UUID, receiver: User) -> None:
    events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status, str(Tag.TENANT_JOINED)))
    with tenant_scope(row.tenant_id):
        events.publish(
            OwnershipSettled(
                deployment_id=row.pk,
                tenant_id=row.tenant_id,
                told=(receiver.pk,),
                name=row.name,
                owner=str(receiver),
                status=str(TransferStatus.ACCEPTED),
                cause=f"move:{row.pk}:{source_id}:{clock.now().isoformat()}",
            )
        )
