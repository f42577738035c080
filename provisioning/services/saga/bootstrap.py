"""Installing an application: prepare → install. It begins when the machine runs, and holds nothing up.

The script is started through the guest's agent, which is asked for again and again until it answers. A run
that is asked for twice happens once: the script itself keeps its end and only tells it again.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from audit.services import trail
from integrations.proxmox.errors import AgentAbsent, GuestNotRunning, RunUnknown
from integrations.proxmox.interface import AgentRun
from integrations.services.secrets import secret_store
from integrations.vault.errors import SecretConflict, SecretMissing
from portal.kernel import clock
from portal.kernel.queue import Advance, Complete, Failure, Poll, StepContext, StepResult
from portal.kernel.stored_text import stored_text
from portal.services.live_events import live_publish
from portal.services.settings import setting_get
from provisioning.logic.bootstrap import Document, document_parse, masked, script_render
from provisioning.logic.fleet_settings import AGENT_WAIT
from provisioning.models import Bootstrap, Deployment
from provisioning.services.saga.guest import Guest, deployment_load, guest_prove
from provisioning.services.saga.tasks import guest_step, poll
from provisioning.states import BootstrapStatus, DeploymentStatus
from provisioning.tags import Tag

_B = BootstrapStatus
_OPEN: Final = (_B.PENDING, _B.RUNNING)
_SNIPPET_COMMAND: Final[tuple[str, ...]] = ("cloud-init", "status", "--wait", "--long")
_SNIPPET_MINUTES: Final = 60


def prepare(ctx: StepContext) -> StepResult:
    """Makes the passwords that the document names, once per machine."""
    deployment = deployment_load(ctx)
    row = _row(ctx, deployment)
    if row is None:
        return Complete()
    is_leaving = deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}
    if row.secret_names and not is_leaving:
        made = {name: secrets.token_hex(16) for name in row.secret_names}
        try:
            secret_store().put(row.secrets_path, made, cas=0)
        except SecretConflict:
            pass
    return Advance()


@guest_step
def install(ctx: StepContext, guest: Guest) -> StepResult:
    """Starts the script when the agent answers, and follows it to its end."""
    row = _row(ctx, guest.deployment)
    if row is None or guest.deployment.status == DeploymentStatus.DELETING:
        return Complete()
    if guest.deployment.status != DeploymentStatus.RUNNING:
        return _waits(ctx, row, stored_text("The machine does not run."))
    config = guest_prove(guest)
    try:
        if "pid" not in ctx.state:
            return _begin(ctx, guest, row, config.node)
        run = guest.hypervisor.agent_exec_state(config.node, guest.vmid, int(ctx.state["pid"]))
    except RunUnknown:
        ctx.state.pop("pid", None)
        return poll()
    except (AgentAbsent, GuestNotRunning):
        return _waits(ctx, row, stored_text("The guest's agent does not answer."))
    ctx.state.pop("silent_since", None)
    if run.is_running:
        return _goes_on(ctx, row)
    return _ended(ctx, row, run)


def bootstrap_failed(ctx: StepContext, failure: Failure) -> None:
    """The operation ended without an answer: the machine itself stays as it is."""
    with transaction.atomic():
        deployment = deployment_load(ctx)
        row = _row(ctx, deployment)
        if row is not None:
            _end(ctx, row, _B.FAILED, message=failure.message)


def _row(ctx: StepContext, deployment: Deployment) -> Bootstrap | None:
    """What this operation is to do, None when that has ended or a later run was asked for."""
    with transaction.atomic():
        return Bootstrap.objects.filter(
            deployment=deployment, run=int(ctx.payload["run"]), status__in=_OPEN
        ).first()


def _begin(ctx: StepContext, guest: Guest, row: Bootstrap, node: str) -> StepResult:
    command, script, minutes = _SNIPPET_COMMAND, "", _SNIPPET_MINUTES
    if not row.snippet:
        document = document_parse(row.document, guest.deployment.template.install_options)
        command, minutes = ("sh",), document.timeout_minutes
        script = _script(guest.deployment, row, document)
    ctx.state.setdefault("begun_at", clock.now().isoformat())
    ctx.state["minutes"] = minutes
    ctx.state["pid"] = guest.hypervisor.agent_exec_submit(
        node=node, vmid=guest.vmid, command=command, stdin=script
    )
    ctx.save()
    if row.status != _B.RUNNING:
        with transaction.atomic():
            _change(row, status=_B.RUNNING, started_at=clock.now())
    return poll()


def _script(deployment: Deployment, row: Bootstrap, document: Document) -> str:
    addresses = [str(one) for one in deployment.ip_addresses]
    return script_render(
        document,
        run=row.run,
        facts={
            "name": deployment.name,
            "hostname": deployment.hostname,
            "address": addresses[0] if addresses else "",
        },
        parameters=deployment.parameters,
        secrets=_secrets(row),
    )


def _secrets(row: Bootstrap) -> dict[str, str]:
    if not row.secret_names:
        return {}
    try:
        return secret_store().get(row.secrets_path)
    except SecretMissing:
        return {}


def _waits(ctx: StepContext, row: Bootstrap, why: str) -> StepResult:
    """Nobody answers: patient for a while, then the result is unknown, never guessed."""
    since = datetime.fromisoformat(ctx.state.setdefault("silent_since", clock.now().isoformat()))
    if clock.now() - since < timedelta(minutes=float(setting_get(AGENT_WAIT))):
        return Poll(3 * poll().after_s, why)
    with transaction.atomic():
        _end(ctx, row, _B.UNKNOWN, message=why)
    return Complete({"status": str(_B.UNKNOWN)})


def _goes_on(ctx: StepContext, row: Bootstrap) -> StepResult:
    minutes = int(ctx.state["minutes"])
    begun = datetime.fromisoformat(ctx.state["begun_at"])
    if clock.now() - begun < timedelta(minutes=minutes):
        return Poll(2 * poll().after_s)
    said = stored_text("It has not ended after %(minutes)s minutes.", minutes=minutes)
    with transaction.atomic():
        _end(ctx, row, _B.UNKNOWN, message=said)
    return Complete({"status": str(_B.UNKNOWN)})


def _ended(ctx: StepContext, row: Bootstrap, run: AgentRun) -> StepResult:
    is_done = run.exit_code == 0
    log_tail = masked(run.output, _secrets(row))
    ctx.log(tuple(log_tail.splitlines()))
    message = ""
    if not is_done:
        code = "–" if run.exit_code is None else run.exit_code
        message = stored_text("It ended with status %(code)s.", code=code)
    with transaction.atomic():
        _end(
            ctx,
            row,
            _B.DONE if is_done else _B.FAILED,
            message=message,
            exit_code=run.exit_code,
            log_tail=log_tail,
        )
    return Advance(message)


def _end(ctx: StepContext, row: Bootstrap, status: BootstrapStatus, **values: Any) -> None:
    locked = Bootstrap.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked.run != row.run or locked.status not in _OPEN:
        return
    _change(locked, status=status, ended_at=clock.now(), **values)
    trail.record(
        tag=Tag.BOOTSTRAPPED if status == _B.DONE else Tag.BOOTSTRAP_FAILED,
        target=Deployment.objects.get(pk=locked.deployment_id),
        actor=ctx.actor,
        outcome="success" if status == _B.DONE else "failed",
        detail={"run": locked.run, "status": str(status), "message": values.get("message", "")},
    )


def _change(row: Bootstrap, **values: Any) -> None:
    Bootstrap.objects.filter(pk=row.pk).update(updated_at=clock.now(), **values)
    live_publish(f"deployment:{row.deployment_id}", tenant_id=row.tenant_id)
