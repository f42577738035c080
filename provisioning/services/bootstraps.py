"""The installation of applications: written down with the machine, asked for again, its passwords shown once."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from integrations.services.secrets import secret_store
from integrations.vault.errors import SecretMissing
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, NotFound, Refused
from portal.models import Operation
from provisioning.errors import WrongState
from provisioning.logic.bootstrap import document_parse
from provisioning.models import Bootstrap, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.bootstraps import snippet_of
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.states import BootstrapStatus, DeploymentStatus
from provisioning.tags import Tag

_B = BootstrapStatus


def bootstrap_plan(deployment: Deployment) -> Bootstrap | None:
    """Writes down what is to be installed on a new machine, in the transaction of its creation."""
    template = deployment.template
    snippet = snippet_of(template, cluster_id=deployment.cluster_id, vmid=deployment.source_vmid)
    if not template.bootstrap and not snippet:
        return None
    names: tuple[str, ...] = ()
    if template.bootstrap and not snippet:
        names = document_parse(template.bootstrap, template.install_options).secrets
    return Bootstrap.objects.create(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        document=template.bootstrap,
        snippet=snippet,
        secret_names=list(names),
        secrets_path=f"deployments/{deployment.pk}/bootstrap" if names else "",
    )


def bootstrap_start(deployment: Deployment, *, actor: Actor) -> Operation | None:
    """Begins the installation of a machine that has just come up, in the open transaction."""
    row = Bootstrap.objects.filter(deployment=deployment, status=_B.PENDING).first()
    if row is None:
        return None
    return enqueue_for(deployment, OperationType.BOOTSTRAP, actor=actor, run=row.run)


@transaction.atomic
def bootstrap_retry(*, actor: Actor, deployment_id: UUID | str) -> tuple[Deployment, Operation]:
    """Installs once more, by the document the machine was made with.

    Raises:
        NotFound, Refused.
        WrongState: the machine does not run.
        Conflict: an installation is under way, or there is none.
    """
    deployment, run = bootstrap_begin(actor=actor, deployment_id=deployment_id)
    return deployment, enqueue_for(deployment, OperationType.BOOTSTRAP, actor=actor, run=run)


def bootstrap_begin(
    *, actor: Actor, deployment_id: UUID | str, run: int | None = None
) -> tuple[Deployment, int]:
    """Opens the next run in the open transaction, behind `run` if that is given, and answers its number.

    Raises as `bootstrap_retry`.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    row = Bootstrap.objects.select_for_update(of=("self",)).filter(deployment=deployment).first()
    if row is None:
        message = _("Its template installs nothing.")
        raise Conflict(message, code="no_bootstrap")
    if row.status in {_B.PENDING, _B.RUNNING}:
        message = _("The installation is under way: wait for its end.")
        raise Conflict(message, code="bootstrap_running")
    if run is not None and (row.run != run or row.status == _B.DONE):
        message = _("It was installed once more meanwhile: look at the application of the machine.")
        raise Conflict(message, code="bootstrap_ended")
    if deployment.status != DeploymentStatus.RUNNING:
        raise WrongState(_("Start the machine first: nothing can be installed while it is off."))
    Bootstrap.objects.filter(pk=row.pk).update(
        status=_B.PENDING,
        run=row.run + 1,
        exit_code=None,
        message="",
        log_tail="",
        started_at=None,
        ended_at=None,
        updated_at=clock.now(),
    )
    trail.record(
        tag=Tag.BOOTSTRAP_REQUESTED, target=deployment, actor=actor, detail={"run": row.run + 1}
    )
    return deployment, row.run + 1


@transaction.atomic
def bootstrap_reveal(*, actor: Actor, deployment_id: UUID | str) -> dict[str, str]:
    """The generated passwords, once and to the owner alone.

    Raises:
        NotFound: absent, or nothing was generated.
        Refused: the machine is somebody else's.
        Conflict: they were shown already.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    if actor.user_id != deployment.owner_id:
        message = _("Only %(owner)s, who owns the machine, may see its passwords.")
        raise Refused(message % {"owner": deployment.owner})
    row = Bootstrap.objects.select_for_update(of=("self",)).filter(deployment=deployment).first()
    if row is None or not row.secret_names:
        raise NotFound(_("No passwords were generated for this machine."))
    if row.secrets_shown_at is not None:
        message = _("They were shown already. Set new ones on the machine if they are lost.")
        raise Conflict(message, code="already_shown", shown_at=row.secrets_shown_at.isoformat())
    try:
        found = secret_store().get(row.secrets_path)
    except SecretMissing as error:
        raise Conflict(_("They are made when the machine runs."), code="not_yet") from error
    Bootstrap.objects.filter(pk=row.pk).update(secrets_shown_at=clock.now(), updated_at=clock.now())
    trail.record(
        tag=Tag.SECRETS_SHOWN,
        target=deployment,
        actor=actor,
        detail={"names": sorted(row.secret_names)},
    )
    return {name: found[name] for name in row.secret_names if name in found}
