"""Warnings before a lease ends: the nearest offset that was reached and not sent, with proof of delivery."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.services import trail
from portal.events import MailDelivered, MailUndelivered
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.stored_text import stored_text
from portal.models import User
from portal.selectors.memberships import members_in_role
from portal.services.mail import MailReference, mail_enqueue
from portal.services.settings import setting_get
from provisioning.events import LeaseWarned
from provisioning.logic.leases import offset_reached
from provisioning.models import Deployment, LeaseWarning
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.states import DeploymentStatus, LeaseEnd
from provisioning.tags import Tag

REFERENCE = "lease_warning"
TEMPLATE = "provisioning/mail/lease_warning.txt"
ADMINISTRATORS = "admin"


def offsets_hours(kind: LeaseEnd) -> tuple[int, ...]:
    """How many hours before an end people are warned; a deletion always in time for its notice."""
    if kind is LeaseEnd.STOP:
        return tuple(setting_get("cloudpods.lease.warn_stop_hours"))
    notice = int(setting_get("cloudpods.lease.delete_notice_hours"))
    return tuple({*setting_get("cloudpods.lease.warn_delete_hours"), notice})


def warning_due(deployment: Deployment, kind: LeaseEnd) -> tuple[datetime, int] | None:
    """The end and the nearest offset reached of a deployment as it stands; None when there is none."""
    offsets, now = offsets_hours(kind), clock.now()
    if deployment.hold or deployment.status == DeploymentStatus.DELETING:
        return None
    if kind is LeaseEnd.DELETE:
        ends_at, since = deployment.delete_after, None
    else:
        ends_at = deployment.expires_at if deployment.expired_at is None else None
        since = deployment.lease_set_at or deployment.created_at
    if ends_at is None or (kind is LeaseEnd.STOP and ends_at <= now):
        return None
    offset = offset_reached(ends_at, now, offsets, since=since)
    return None if offset is None else (ends_at, offset)


@transaction.atomic
def lease_warn(*, actor: Actor, deployment_id: UUID, kind: LeaseEnd) -> LeaseWarning | None:
    """Sends the warning that is due, once; None when it was sent or nothing is due any more."""
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    due = warning_due(deployment, kind)
    if due is None:
        return None
    ends_at, offset = due
    sent = LeaseWarning.objects.filter(
        deployment=deployment, lease_version=deployment.lease_version, kind=kind
    )
    if sent.filter(offset_hours__lte=offset).exists():
        return None
    is_final = kind is LeaseEnd.DELETE and offset == min(offsets_hours(kind))
    owner = deployment.owner if _is_reachable(deployment.owner) else None
    administrators = _administrators(deployment) if is_final or owner is None else ()
    warning = LeaseWarning(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        lease_version=deployment.lease_version,
        kind=kind,
        offset_hours=offset,
        ends_at=ends_at,
    )
    people = [owner] if owner else []
    warning.recipients = [
        _recipient(actor, warning, person, is_decisive=owner is None or person == owner)
        for person in (*people, *administrators)
    ]
    if not people and not administrators:
        warning.failure = stored_text("Neither the owner nor an administrator has a mail address.")
    warning.save(force_insert=True)
    _record(Tag.WARNED, warning, actor, ", ".join(one["name"] for one in warning.recipients))
    events.publish(
        LeaseWarned(
            deployment_id=deployment.pk,
            tenant_id=deployment.tenant_id,
            owner_id=deployment.owner_id,
            name=deployment.name,
            end=str(kind),
            ends_at=ends_at,
            lease_version=deployment.lease_version,
            offset_hours=offset,
        )
    )
    return warning


def warning_delivered(event: MailDelivered) -> None:
    """A mail server took one of the mails."""
    if event.reference_type == REFERENCE:
        _settle(event.reference_id, event.to, delivered_at=event.at)


def warning_undelivered(event: MailUndelivered) -> None:
    """One of the mails is given up."""
    if event.reference_type == REFERENCE:
        _settle(event.reference_id, event.to, failure=event.reason)


def _settle(
    warning_id: UUID, email: str, *, delivered_at: datetime | None = None, failure: str = ""
) -> None:
    """Writes the end of one mail; a mail that was tried again by hand counts like the first."""
    rows = LeaseWarning.objects.select_for_update(of=("self",)).select_related("deployment")
    warning = rows.filter(pk=warning_id).first()
    if warning is None:
        return
    for one in warning.recipients:
        if one["email"] == email and not one["delivered_at"]:
            one["delivered_at"] = f"{delivered_at:%Y-%m-%dT%H:%M:%S.%fZ}" if delivered_at else None
            one["failure"] = failure[:300]
    decisive = [one for one in warning.recipients if one["is_decisive"]]
    if warning.delivered_at is None and any(one["delivered_at"] for one in decisive):
        warning.delivered_at, warning.failure = delivered_at, ""
        _record(Tag.WARNING_DELIVERED, warning, Actor.system("mail"))
    elif warning.delivered_at is None and all(one["failure"] for one in decisive):
        warning.failure = failure[:300]
        _record(Tag.WARNING_FAILED, warning, Actor.system("mail"), failure, outcome="failed")
    LeaseWarning.objects.filter(pk=warning.pk).update(
        recipients=warning.recipients,
        delivered_at=warning.delivered_at,
        failure=warning.failure,
        updated_at=clock.now(),
    )


def _recipient(
    actor: Actor, warning: LeaseWarning, person: User, *, is_decisive: bool
) -> dict[str, Any]:
    deployment = warning.deployment
    operation = mail_enqueue(
        actor=actor,
        recipient=person,
        template=TEMPLATE,
        values={
            "deployment": deployment,
            "tenant": deployment.tenant,
            "is_deletion": warning.kind == LeaseEnd.DELETE,
            "is_owner": person == deployment.owner,
            "ends_at": warning.ends_at,
            "url": (
                f"{settings.PUBLIC_URL}/deployments/{deployment.pk}?tenant={deployment.tenant.slug}"
            ),
        },
        reference=MailReference(REFERENCE, warning.pk),
        tenant_id=deployment.tenant_id,
    )
    return {
        "user_id": str(person.pk),
        "name": str(person),
        "email": person.email,
        "is_decisive": is_decisive,
        "operation_id": str(operation.pk),
        "delivered_at": None,
        "failure": "",
    }


def _administrators(deployment: Deployment) -> Iterable[User]:
    people = members_in_role(tenant_id=deployment.tenant_id, role_code=ADMINISTRATORS)
    return [person for person in people if _is_reachable(person) and person != deployment.owner]


def _is_reachable(person: User) -> bool:
    return person.is_active and bool(person.email)


def _record(
    tag: Tag, warning: LeaseWarning, actor: Actor, text: str = "", *, outcome: Any = "success"
) -> None:
    values = {"hours": warning.offset_hours, "people": text}
    if warning.kind == LeaseEnd.DELETE:
        bare, full = (
            stored_text("%(hours)s h, deletion"),
            stored_text("%(hours)s h, deletion: %(people)s"),
        )
    else:
        bare, full = stored_text("%(hours)s h, stop"), stored_text("%(hours)s h, stop: %(people)s")
    said = (full if text else bare) % values
    trail.record(
        tag=tag,
        target=warning.deployment,
        actor=actor,
        outcome=outcome,
        after={
            "kind": warning.kind,
            "offset_hours": warning.offset_hours,
            "ends_at": warning.ends_at.isoformat(),
            "lease_version": warning.lease_version,
        },
        detail={"message": said},
    )
