"""Running hooks: one row per hook and occasion, carried out by an operation of its own.

A run is written down before it begins. What a worker left running when it died is not begun a second
time, unless the hook says that this does no harm; its end is unknown then, and told so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction

from audit.services import trail
from integrations.base.errors import NotExecuted, ProviderError
from integrations.base.http import AnswerLost, HttpAnswer, TooLarge, http_send
from integrations.base.process import ProcessLimits, ScriptRefused, script_find, script_run
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.queue import Complete, Failure, StepContext, StepResult, StepRetry
from portal.kernel.stored_text import stored_text
from portal.services.live_events import live_publish
from portal.services.operations import operation_enqueue
from portal.services.settings import setting_get
from provisioning.events import BackupDone, DeploymentChanged
from provisioning.logic.excerpts import excerpt
from provisioning.logic.hook_rules import HookConfig
from provisioning.logic.hook_states import (
    RUN_OPEN,
    RUN_TRANSITIONS,
    HookEvent,
    HookType,
    RunStatus,
)
from provisioning.logic.webhook_events import envelope
from provisioning.models import Hook, HookRun
from provisioning.selectors.hooks import hooks_wanted
from provisioning.services.hooks import hook_secrets
from provisioning.services.outbound import outbound_policy
from provisioning.services.webhook_outbox import deployment_told, moment
from provisioning.tags import Tag

HOOK_EXECUTE: Final = "hook.execute"
OUTPUT_BYTES: Final = 4096
START_GRACE: Final = timedelta(seconds=60)
_EVENTS: Final = {Tag.CREATED: HookEvent.POST_CREATE, Tag.DELETED: HookEvent.POST_DESTROY}


@dataclass(frozen=True, slots=True)
class _End:
    """How a run ended."""

    status: RunStatus
    reason: str = ""
    code: int | None = None
    output: str = ""
    duration_ms: int | None = None


def runs_register() -> None:
    """Subscribes to the moments after which hooks run."""
    events.subscribe(DeploymentChanged, _deployment_changed)
    events.subscribe(BackupDone, _backup_done)


def hooks_run(
    *,
    event: HookEvent,
    tenant_id: UUID,
    deployment_id: UUID,
    cause: str,
    extra: dict[str, Any] | None = None,
    hooks: Iterable[Hook] | None = None,
) -> list[HookRun]:
    """Writes down and asks for one run of each hook of a moment, in the open transaction, once per cause."""
    wanted = hooks_wanted(tenant_id=tenant_id, event=event) if hooks is None else list(hooks)
    if not wanted:
        return []
    data = {"deployment": deployment_told(deployment_id), **(extra or {})}
    payload = envelope(str(event), data, at=moment(clock.now()))
    return [_asked(hook, deployment_id, cause, payload) for hook in wanted]


def hook_execute(ctx: StepContext) -> StepResult:
    """Carries out one run."""
    run_id = UUID(str(ctx.payload["run_id"]))
    begun = _begin(run_id)
    if begun is None:
        return Complete()
    run, hook = begun
    try:
        secrets = hook_secrets(hook)
    except ProviderError as error:
        _again(run.pk)
        raise StepRetry(stored_text("The hook's secrets cannot be read now.")) from error
    try:
        end = (
            _http(run, hook, secrets) if run.type == HookType.HTTP else _script(run, hook, secrets)
        )
    except NotExecuted as error:
        _again(run.pk)
        raise StepRetry(excerpt(error.message, limit=300, secrets=secrets.values())) from error
    with transaction.atomic():
        run_end(run.pk, end.status, end)
    return Complete({"status": str(end.status), "code": end.code})


def hook_failed(ctx: StepContext, failure: Failure) -> None:
    """The operation itself ended badly: so did the run."""
    end = _End(RunStatus.FAILED, failure.message)
    run_end(UUID(str(ctx.payload["run_id"])), end.status, end)


def run_end(run_id: UUID, status: RunStatus, end: _End) -> None:
    """Writes down how a run ended, once, on its deployment's timeline, too."""
    run = HookRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None or run.status not in RUN_OPEN:
        return
    if run.status == RunStatus.PENDING and status != RunStatus.FAILED:
        transition(run, table=RUN_TRANSITIONS, to=RunStatus.RUNNING)
    transition(
        run,
        table=RUN_TRANSITIONS,
        to=status,
        reason=end.reason[:500],
        code=end.code,
        output=end.output,
        duration_ms=end.duration_ms,
        ended_at=clock.now(),
    )
    is_good = status == RunStatus.SUCCEEDED
    trail.record(
        tag=Tag.HOOK_ENDED if is_good else Tag.HOOK_FAILED,
        target=run.deployment,
        actor=Actor.system("hooks", tenant_id=run.tenant_id),
        outcome="success" if is_good else "failed",
        detail={
            "hook": run.hook_name,
            "event": run.event,
            "run": str(run.pk),
            "message": run_words(run),
        },
    )
    if run.deployment_id:
        live_publish(f"deployment:{run.deployment_id}", tenant_id=run.tenant_id)


def run_words(run: HookRun) -> str:
    """A run in one sentence, for the timeline."""
    if run.status == RunStatus.SUCCEEDED:
        return stored_text("%(hook)s (%(event)s) succeeded.", hook=run.hook_name, event=run.event)
    return stored_text(
        "%(hook)s (%(event)s): %(reason)s",
        hook=run.hook_name,
        event=run.event,
        reason=run.reason or run.status,
    )


def _asked(hook: Hook, deployment_id: UUID, cause: str, payload: dict[str, Any]) -> HookRun:
    config = HookConfig.read(hook.config)
    now = clock.now()
    run, is_new = HookRun.objects.get_or_create(
        tenant_id=hook.tenant_id,
        hook=hook,
        cause=cause,
        defaults={
            "hook_name": hook.name,
            "event": hook.event,
            "type": hook.type,
            "deployment_id": deployment_id,
            "is_blocking": config.blocking,
            "on_failure": config.on_failure,
            "deadline_at": now + timedelta(seconds=config.timeout) + START_GRACE,
            "payload": payload,
        },
    )
    if is_new:
        operation = operation_enqueue(
            actor=Actor.system("hooks", tenant_id=hook.tenant_id),
            type=HOOK_EXECUTE,
            tenant_id=hook.tenant_id,
            target_type="deployment",
            target_id=deployment_id,
            payload={"run_id": str(run.pk)},
        )
        HookRun.objects.filter(pk=run.pk).update(operation_id=operation.pk)
    return run


@transaction.atomic
def _begin(run_id: UUID) -> tuple[HookRun, Hook] | None:
    """The run and its hook, marked as running; None when there is nothing (more) to do."""
    run = HookRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None or run.status not in RUN_OPEN:
        return None
    hook = Hook.objects.filter(pk=run.hook_id).first() if run.hook_id else None
    if hook is None:
        run_end(run.pk, RunStatus.FAILED, _End(RunStatus.FAILED, stored_text("The hook is gone.")))
        return None
    if run.status == RunStatus.RUNNING and not HookConfig.read(hook.config).is_idempotent:
        text = stored_text(
            "The worker was lost while it ran. Whether it came to its end is unknown, "
            "and the hook does not say that it may run twice."
        )
        run_end(run.pk, RunStatus.UNKNOWN, _End(RunStatus.UNKNOWN, text))
        return None
    if run.status == RunStatus.PENDING:
        transition(run, table=RUN_TRANSITIONS, to=RunStatus.RUNNING, started_at=clock.now())
    HookRun.objects.filter(pk=run.pk).update(attempts=run.attempts + 1)
    return run, hook


@transaction.atomic
def _again(run_id: UUID) -> None:
    """Nothing was sent: the next try begins anew."""
    run = HookRun.objects.select_for_update().get(pk=run_id)
    if run.status == RunStatus.RUNNING:
        transition(run, table=RUN_TRANSITIONS, to=RunStatus.PENDING)


def _http(run: HookRun, hook: Hook, secrets: dict[str, str]) -> _End:
    """Asks the address. Raises NotExecuted when nothing was sent."""
    config = HookConfig.read(hook.config)
    headers = {
        **config.headers,
        **secrets,
        "content-type": "application/json",
        "user-agent": "uHub-Hooks/1",
        "webhook-id": f"hook_{run.pk.hex}",
    }
    policy = outbound_policy(timeout_s=_timeout_s(config))
    try:
        answer = http_send("POST", hook.target, headers=headers, body=_fed(run), policy=policy)
    except TooLarge as error:
        answer = error.answer
    except AnswerLost as error:
        text = excerpt(error.message, limit=300, secrets=secrets.values())
        return _End(RunStatus.UNKNOWN, text)
    except NotExecuted:
        raise
    except ProviderError as error:
        return _End(RunStatus.FAILED, excerpt(error.message, limit=480, secrets=secrets.values()))
    return _answered(answer, secrets)


def _answered(answer: HttpAnswer, secrets: dict[str, str]) -> _End:
    is_good = 200 <= answer.status < 300
    return _End(
        RunStatus.SUCCEEDED if is_good else RunStatus.FAILED,
        "" if is_good else stored_text("It answered %(status)s.", status=answer.status),
        answer.status,
        excerpt(answer.body, limit=OUTPUT_BYTES, secrets=secrets.values()),
        answer.elapsed_ms,
    )


def _script(run: HookRun, hook: Hook, secrets: dict[str, str]) -> _End:
    """Runs the script. Raises NotExecuted when it could not be started."""
    config = HookConfig.read(hook.config)
    told = run.payload.get("data", {}).get("deployment", {})
    env = {
        **config.env,
        **secrets,
        "UHUB_EVENT": str(run.event),
        "UHUB_RUN_ID": str(run.pk),
        "UHUB_DEPLOYMENT_ID": str(told.get("id", "")),
        "UHUB_DEPLOYMENT_NAME": str(told.get("name", "")),
    }
    try:
        path = script_find(settings.HOOK_SCRIPTS_DIR, hook.target)
    except ScriptRefused as error:
        return _End(RunStatus.FAILED, error.message)
    limits = ProcessLimits(timeout_s=_timeout_s(config))
    result = script_run(path, env=env, stdin=_fed(run), limits=limits)
    reason = result.reason
    if not reason and result.code:
        reason = stored_text("It ended with status %(code)s.", code=result.code)
    return _End(
        RunStatus.FAILED if reason else RunStatus.SUCCEEDED,
        reason,
        result.code,
        excerpt(result.output, limit=OUTPUT_BYTES, secrets=secrets.values()),
        result.duration_ms,
    )


def _timeout_s(config: HookConfig) -> float:
    return float(min(config.timeout, int(setting_get("cloudpods.hooks.max_timeout_seconds"))))


def _fed(run: HookRun) -> bytes:
    return orjson.dumps(run.payload, option=orjson.OPT_SORT_KEYS)


def _deployment_changed(event: DeploymentChanged) -> None:
    moment_ = _EVENTS.get(Tag(event.tag)) if event.tag else None
    if moment_ is not None:
        hooks_run(
            event=moment_,
            tenant_id=event.tenant_id,
            deployment_id=event.deployment_id,
            cause=f"{moment_}:{event.deployment_id}",
        )


def _backup_done(event: BackupDone) -> None:
    if event.deployment_id is not None:
        hooks_run(
            event=HookEvent.POST_BACKUP,
            tenant_id=event.tenant_id,
            deployment_id=event.deployment_id,
            cause=f"{HookEvent.POST_BACKUP}:{event.backup_id}",
            extra={"backup": {"id": str(event.backup_id), "status": event.status}},
        )
