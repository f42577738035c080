"""Writes audit entries: in the transaction of the change, or after the rollback of what was refused.

A change without its entry cannot exist, because both commit together. What is refused or fails rolls
back, so its entry waits in the request context until the outermost middleware writes it in a
transaction of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Model

from audit.logic.masking import masked
from audit.models import Entry
from portal.kernel import context, scope
from portal.kernel.audit_tags import tag_spec
from portal.kernel.authz import ANONYMOUS, Actor
from portal.kernel.tenancy import DEFAULT, PLATFORM_TENANT_ID, tenant_scope

OutcomeWord = Literal["success", "refused", "failed"]
log = structlog.get_logger(__name__)


def record(  # noqa: PLR0913 - an entry is as wide as what happened
    *,
    tag: str,
    target: Model | None = None,
    target_type: str = "",
    target_id: str = "",
    target_label: str = "",
    outcome: OutcomeWord = "success",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
    actor: Actor | None = None,
    tenant_id: UUID | None = None,
) -> Entry:
    """Adds one entry to the open transaction, on the alias of the scope.

    The tenant is the given one, else the one in scope, else the platform. The row's number and hash are
    set by the database and absent from the returned object.

    Raises:
        KeyError: nobody registered the tag.
    """
    here = context.current()
    who = actor or here.actor or ANONYMOUS
    tenant = tenant_id or scope.tenant_id.get() or PLATFORM_TENANT_ID
    entry = Entry(
        tenant_id=tenant,
        category=tag_spec(tag).category,
        tag=str(tag),
        outcome=outcome,
        actor_kind=who.kind,
        actor_id=who.user_id,
        actor_label=who.label[:200],
        target_type=target_type or _type_of(target),
        target_id=(target_id or _id_of(target))[:80],
        target_label=(target_label or _label_of(target))[:200],
        before=_json(before),
        after=_json(after),
        detail=_json(detail),
        request_id=here.request_id[:64],
        operation_id=here.operation_id,
        address=here.address[:45],
        channel=here.channel,
    )
    _insert(entry)
    return entry


def _insert(entry: Entry) -> None:
    alias = scope.alias.get()
    is_elsewhere = entry.tenant_id not in (scope.tenant_id.get(), PLATFORM_TENANT_ID)
    if alias == DEFAULT and is_elsewhere:
        with transaction.atomic(), tenant_scope(entry.tenant_id):
            entry.save(using=alias, force_insert=True)
    else:
        with transaction.atomic(using=alias):
            entry.save(using=alias, force_insert=True)


def refuse(
    *,
    tag: str,
    outcome: OutcomeWord = "refused",
    actor: Actor | None = None,
    target: Model | None = None,
    target_type: str = "",
    target_id: str = "",
    detail: Mapping[str, Any] | None = None,
    tenant_id: UUID | None = None,
) -> None:
    """Notes an attempt that is about to be rolled back; `refusals_write` records it afterwards."""
    here = context.current()
    here.refusals.append(
        context.Refusal(
            tag=str(tag),
            outcome=outcome,
            actor=actor or here.actor,
            target_type=target_type or _type_of(target),
            target_id=target_id or _id_of(target),
            detail=dict(detail or {}),
            tenant_id=tenant_id or scope.tenant_id.get(),
        )
    )


def refusals_write(pending: context.RequestContext) -> None:
    """Records what the context collected, in a transaction of its own, and empties it.

    Called by whoever opened the context, after its transaction ended. A database that is down must not
    turn a refusal into another error, so its failure is logged with the tags that were lost.
    """
    refusals, pending.refusals = pending.refusals, []
    if not refusals:
        return
    try:
        with transaction.atomic():
            for refusal in refusals:
                record(
                    tag=refusal.tag,
                    outcome="failed" if refusal.outcome == "failed" else "refused",
                    actor=refusal.actor,
                    target_type=refusal.target_type,
                    target_id=refusal.target_id,
                    detail=refusal.detail,
                    tenant_id=refusal.tenant_id,
                )
    except DatabaseError:
        log.exception("audit.refusals_lost", tags=[refusal.tag for refusal in refusals])


def _type_of(target: Model | None) -> str:
    return "" if target is None else target._meta.label_lower


def _id_of(target: Model | None) -> str:
    return "" if target is None else str(target.pk)


def _label_of(target: Model | None) -> str:
    return "" if target is None else str(target)


def _json(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else masked(value)
