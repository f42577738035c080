"""What people do with hooks: set up, change, delete; and skip one that holds up a deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import trail
from integrations.base.process import script_names
from integrations.services.secrets import secret_put, secret_store
from integrations.vault.mapping import reference_parse
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput
from portal.kernel.fsm import transition
from portal.kernel.models import uuid7
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.errors import WrongState
from provisioning.logic.hook_rules import (
    HookConfig,
    env_faults,
    header_faults,
    kind_faults,
    name_faults,
    run_faults,
    target_faults,
)
from provisioning.logic.hook_states import RUN_TRANSITIONS, HookType, OnFailure, RunStatus
from provisioning.models import Deployment, Hook, HookRun
from provisioning.permissions import Permission
from provisioning.selectors.hooks import hook_lock, run_get
from provisioning.services.leases import demand_no_hold
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

HOOK_FAILED: Final = "hook_failed"
_NAME_ONCE: Final = "hook_name_once"
_SHOWN: Final = ("name", "event", "type", "target", "is_active", "config")
_REASON_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What somebody wants a hook to be. `secrets` None leaves the secret values as they are."""

    name: str
    event: str
    type: str
    target: str
    is_active: bool = True
    config: HookConfig = field(default_factory=HookConfig)
    secrets: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def secret_place(self) -> str:
        """Where secret values go with this kind of hook."""
        return "secret_headers" if self.type == HookType.HTTP else "secret_env"

    def faults(self) -> list[Fault]:
        """Everything that is wrong with it."""
        secrets = self.secrets or {}
        check = header_faults if self.type == HookType.HTTP else env_faults
        found = [
            *name_faults(self.name),
            *kind_faults(self.event, self.type),
            *target_faults(self.type, self.target),
            *header_faults(self.config.headers, at="headers"),
            *env_faults(self.config.env, at="env"),
            *check(secrets, at=self.secret_place),
            *run_faults(
                self.event,
                self.type,
                self.config,
                longest_s=int(setting_get("cloudpods.hooks.max_timeout_seconds")),
            ),
        ]
        if self.type == HookType.SCRIPT and not any(fault.field == "target" for fault in found):
            found += _unknown_script(self.target)
        return found


def hook_scripts(*, actor: Actor) -> tuple[str, ...]:
    """The scripts that an operator approved. Raises Refused."""
    authorize(actor, Permission.HOOKS_VIEW)
    return script_names(settings.HOOK_SCRIPTS_DIR)


@transaction.atomic
def hook_create(*, actor: Actor, tenant_id: UUID, request: HookRequest) -> Hook:
    """Sets up a hook. Raises: Refused, InvalidInput, Conflict."""
    authorize(actor, Permission.HOOKS_MANAGE)
    _demand(request)
    most = int(setting_get("cloudpods.hooks.per_organisation"))
    if Hook.objects.count() >= most:
        text = _("Your organisation has %(most)s hooks already. Delete one first.")
        raise Conflict(text % {"most": most}, code="too_many_hooks", limit=most)
    hook = Hook(id=uuid7(), tenant_id=tenant_id)
    _fill(hook, request)
    _save(hook, force_insert=True)
    trail.record(tag=Tag.HOOK_CREATED, target=hook, actor=actor, after=_looks(hook))
    return hook


@transaction.atomic
def hook_change(*, actor: Actor, hook_id: UUID | str, request: HookRequest) -> Hook:
    """Changes a hook; runs under way keep what they began with.

    Raises: NotFound, Refused, InvalidInput.
    """
    hook = hook_lock(actor=actor, hook_id=hook_id)
    _demand(request)
    before = _looks(hook)
    _fill(hook, request)
    _save(hook)
    trail.record(tag=Tag.HOOK_CHANGED, target=hook, actor=actor, before=before, after=_looks(hook))
    return hook


@transaction.atomic
def hook_delete(*, actor: Actor, hook_id: UUID | str) -> None:
    """Ends a hook; its runs stay on record. Raises: NotFound, Refused."""
    hook = hook_lock(actor=actor, hook_id=hook_id)
    trail.record(tag=Tag.HOOK_DELETED, target=hook, actor=actor, before=_looks(hook))
    hook.delete()


@transaction.atomic
def hook_skip(*, actor: Actor, run_id: UUID | str, reason: str) -> tuple[HookRun, Operation]:
    """Goes on with a deletion that a failed hook holds up, without this hook: volumes go as was asked for.

    Raises: NotFound, Refused, InvalidInput, WrongState, OnHold.
    """
    authorize(actor, Permission.HOOKS_MANAGE)
    said = reason.strip()
    if not 3 <= len(said) <= _REASON_MOST:
        text = _("Say why, in 3 to %(most)s characters.") % {"most": _REASON_MOST}
        raise InvalidInput(faults=(Fault("reason", "invalid", text),))
    seen = run_get(actor=actor, run_id=run_id)
    deployment = (
        Deployment.objects.select_for_update(of=("self",)).filter(hook_runs=seen.pk).first()
    )
    run = HookRun.objects.select_for_update().get(pk=seen.pk)
    if deployment is None or not is_holding_up(run, deployment):
        raise WrongState(_("Only a hook that holds up a deletion can be skipped."))
    demand_no_hold(deployment)
    transition(
        run,
        table=RUN_TRANSITIONS,
        to=RunStatus.SKIPPED,
        decided_by=actor.label[:160],
    )
    Deployment.objects.filter(pk=deployment.pk).update(attention=None)
    trail.record(
        tag=Tag.HOOK_SKIPPED,
        target=deployment,
        actor=actor,
        detail={"hook": run.hook_name, "run": str(run.pk), "message": said},
    )
    asked = Operation.objects.filter(target_id=deployment.pk, type=OperationType.DESTROY)
    payload = asked.order_by("-id").values_list("payload", flat=True).first() or {}
    fate = {"volumes": payload["volumes"]} if "volumes" in payload else {}
    return run, enqueue_for(deployment, OperationType.DESTROY, actor=actor, **fate)


def is_holding_up(run: HookRun, deployment: Deployment) -> bool:
    """Whether a deletion stands still because of this run."""
    attention = deployment.attention or {}
    return (
        deployment.status == DeploymentStatus.DELETING
        and attention.get("code") == HOOK_FAILED
        and run.is_blocking
        and run.on_failure == OnFailure.CLOSED
        and run.status in {RunStatus.FAILED, RunStatus.UNKNOWN}
    )


def hook_secrets(hook: Hook) -> dict[str, str]:
    """The secret values of a hook. Raises what the store raises when it cannot be asked."""
    if not hook.secret_ref:
        return {}
    stored = secret_store().get(reference_parse(hook.secret_ref).path)
    return {name: value for name, value in stored.items() if name != _MARK}


_MARK: Final = "hook"


def _fill(hook: Hook, request: HookRequest) -> None:
    config = request.config
    kept = HookConfig.read(hook.config)
    if request.secrets is None and request.type == hook.type:
        config = replace(config, secret_headers=kept.secret_headers, secret_env=kept.secret_env)
    else:
        secrets = dict(request.secrets or {})
        names = tuple(secrets)
        is_http = request.type == HookType.HTTP
        config = replace(
            config,
            secret_headers=names if is_http else (),
            secret_env=() if is_http else names,
        )
        _keep(hook, secrets)
    hook.name, hook.event, hook.type = request.name.strip(), request.event, request.type
    hook.target, hook.is_active = request.target, request.is_active
    hook.config = config.stored()


def _keep(hook: Hook, secrets: Mapping[str, str]) -> None:
    if not secrets and not hook.secret_ref:
        return
    hook.secret_ref = f"vault:tenants/{hook.tenant_id}/hooks/{hook.pk}#{_MARK}"
    secret_put(reference_parse(hook.secret_ref).path, {_MARK: hook.name or "-", **secrets})


def _unknown_script(name: str) -> list[Fault]:
    known = script_names(settings.HOOK_SCRIPTS_DIR)
    if name in known:
        return []
    if not known:
        text = _("No script is approved on this installation. Ask its operator.")
    else:
        text = _("There is no approved script of this name. Approved: %(names)s.") % {
            "names": ", ".join(known)
        }
    return [Fault("target", "unknown_script", text)]


def _demand(request: HookRequest) -> None:
    faults = request.faults()
    if faults:
        raise InvalidInput(faults=tuple(faults))


def _save(hook: Hook, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            hook.save(force_insert=force_insert)
    except IntegrityError as error:
        if _NAME_ONCE not in str(error):
            raise
        text = _("There is a hook of this name already.")
        raise InvalidInput(faults=(Fault("name", "unique", text),)) from error


def _looks(hook: Hook) -> dict[str, Any]:
    return {name: getattr(hook, name) for name in _SHOWN}
