"""What the top bar asks for: the bell and the operations that run. Once per page, one question each."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from portal.kernel.authz import Actor
from portal.kernel.context import current
from portal.kernel.ui import once
from portal.permissions import Permission
from portal.selectors.notifications import TOPIC, Bell, bell_of
from portal.web.running import Running, running_of

register = template.Library()


@register.simple_tag(takes_context=True)
def notice_bell(context: dict[str, Any]) -> Bell | None:
    """The person's bell; None for those who work in no organisation, hence are told of nothing."""
    actor, request = _who(context)
    if actor is None or request is None:
        return None
    return once(request, "notice_bell", lambda: bell_of(actor))


@register.simple_tag
def notice_topic() -> str:
    """What the bell listens to."""
    actor = current().actor
    return f"{TOPIC}:{actor.user_id}" if actor else ""


@register.simple_tag(takes_context=True)
def running_operations(context: dict[str, Any]) -> Running | None:
    """The tenant's open operations, for those who may see operations."""
    actor, request = _who(context)
    if actor is None or request is None or not actor.may(Permission.OPERATIONS_VIEW):
        return None
    return once(request, "running_operations", lambda: running_of(actor))


def _who(context: dict[str, Any]) -> tuple[Actor | None, HttpRequest | None]:
    actor = current().actor
    is_somebody = actor is not None and actor.user_id is not None and actor.tenant_id is not None
    return (actor if is_somebody else None), context.get("request")
