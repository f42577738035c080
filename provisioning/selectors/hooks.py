"""Hooks of the tenant in scope and their runs."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from provisioning.models import Hook, HookRun
from provisioning.permissions import Permission


def hook_list(*, actor: Actor) -> QuerySet[Hook]:
    """All, newest first. Raises Refused."""
    authorize(actor, Permission.HOOKS_VIEW)
    return Hook.objects.order_by("-created_at", "-id")


def hook_get(*, actor: Actor, hook_id: UUID | str) -> Hook:
    """One. Raises Refused, NotFound (also for another tenant's)."""
    try:
        return hook_list(actor=actor).get(pk=UUID(str(hook_id)))
    except (ValueError, Hook.DoesNotExist):
        raise NotFound(gettext("There is no such hook.")) from None


def hook_lock(*, actor: Actor, hook_id: UUID | str) -> Hook:
    """One, locked, for somebody who may change it. Raises Refused, NotFound."""
    authorize(actor, Permission.HOOKS_MANAGE)
    try:
        return Hook.objects.select_for_update().get(pk=UUID(str(hook_id)))
    except (ValueError, Hook.DoesNotExist):
        raise NotFound(gettext("There is no such hook.")) from None


def run_list(*, actor: Actor) -> QuerySet[HookRun]:
    """All runs, newest first. Raises Refused."""
    authorize(actor, Permission.HOOKS_VIEW)
    return HookRun.objects.select_related("deployment").order_by("-created_at", "-id")


def run_get(*, actor: Actor, run_id: UUID | str) -> HookRun:
    """One run. Raises Refused, NotFound."""
    try:
        return run_list(actor=actor).get(pk=UUID(str(run_id)))
    except (ValueError, HookRun.DoesNotExist):
        raise NotFound(gettext("There is no such run.")) from None


def runs_about(*, actor: Actor, deployment_id: UUID) -> QuerySet[HookRun]:
    """The runs for one deployment, newest first; none for who may not see hooks."""
    if not actor.may(Permission.HOOKS_VIEW):
        return HookRun.objects.none()
    return HookRun.objects.filter(deployment_id=deployment_id).order_by("-created_at", "-id")


def hooks_wanted(*, tenant_id: UUID, event: str) -> list[Hook]:
    """The active hooks of a moment, by name."""
    rows = Hook.objects.filter(tenant_id=tenant_id, event=event, is_active=True)
    return list(rows.order_by("name", "id"))
