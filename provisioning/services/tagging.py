"""Tags of a machine, added and removed without repeating the others."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault
from provisioning.errors import DeploymentInvalid
from provisioning.logic.requests import TAGS_MAX, tags_fault
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.tags import Tag


@transaction.atomic
def deployment_tag(
    *,
    actor: Actor,
    deployment_id: UUID | str,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> tuple[Deployment, None]:
    """Adds and removes tags; what it has or lacks already is no fault.

    Raises:
        NotFound, Refused.
        DeploymentInvalid: what is to be added is no tag, or would be one too many.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    if fault := tags_fault(add[:TAGS_MAX]):
        raise DeploymentInvalid(faults=(Fault("add", fault.code, fault.message),))
    before = list(deployment.tags)
    kept = [tag for tag in before if tag not in set(remove)]
    after = list(dict.fromkeys([*kept, *add]))
    if len(after) > TAGS_MAX:
        message = _("At most %(most)s tags.") % {"most": TAGS_MAX}
        raise DeploymentInvalid(faults=(Fault("add", "too_many", message),))
    if before != after:
        deployment.tags = after
        Deployment.objects.filter(pk=deployment.pk).update(tags=after, updated_at=clock.now())
        trail.record(
            tag=Tag.CHANGED,
            target=deployment,
            actor=actor,
            before={"tags": before},
            after={"tags": after},
        )
    return deployment, None
