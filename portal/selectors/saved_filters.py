"""Saved filters: one's own, and those that members of the organisation share."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound
from portal.kernel.web.tables import tables
from portal.models import SavedFilter


def saved_filter_list(*, actor: Actor, table: str = "") -> QuerySet[SavedFilter]:
    """What the actor may use, by name: for lists that the role may see."""
    seen = [key for key, one in tables().items() if actor.may(one.permission)]
    wanted = [table] if table else seen
    rows = SavedFilter.objects.select_related("owner").filter(
        Q(owner_id=actor.user_id) | Q(is_shared=True), table__in=set(wanted) & set(seen)
    )
    return rows.order_by("table", "name", "id")


def saved_filter_get(
    *, actor: Actor, filter_id: UUID | str, is_locked: bool = False
) -> SavedFilter:
    """One of them. Raises NotFound, also for what another person keeps to himself."""
    rows = saved_filter_list(actor=actor)
    if is_locked:
        rows = rows.select_for_update(of=("self",))
    try:
        found = rows.filter(pk=UUID(str(filter_id))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(gettext("There is no such saved filter."))
    return found
