"""Keeping the filters of a list under a name, for oneself or for the organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, InvalidInput, Refused
from portal.kernel.web.tables import Table, query_checked, tables
from portal.logic.validation import faults_of
from portal.models import SavedFilter
from portal.permissions import Permission
from portal.selectors.saved_filters import saved_filter_get
from portal.tags import Tag

FIELDS: Final = ("name", "query", "is_shared", "is_default")
FILTERS_MOST: Final = 30


@transaction.atomic
def saved_filter_create(
    *,
    actor: Actor,
    tenant_id: UUID,
    table: str,
    name: str,
    query: str = "",
    is_shared: bool = False,
    is_default: bool = False,
) -> SavedFilter:
    """Keeps a query string that the list understands; a default takes the place of an earlier one.

    Raises:
        Refused: the role may not see the list, or nobody in person asks.
        InvalidInput: there is no such list, it does not know a parameter, the name is taken, or too many.
    """
    described = _table(table)
    authorize(actor, described.permission)
    if actor.user_id is None:
        raise Refused(gettext("A saved filter needs a person who keeps it."))
    owned = SavedFilter.objects.filter(owner_id=actor.user_id, table=table)
    if owned.count() >= FILTERS_MOST:
        message = gettext("A person keeps at most %(most)s filters per list: delete one first.")
        raise InvalidInput(faults=(Fault(None, "too_many", message % {"most": FILTERS_MOST}),))
    row = SavedFilter(
        tenant_id=tenant_id,
        owner_id=actor.user_id,
        table=table,
        name=name.strip(),
        query=query_checked(described, query),
        is_shared=is_shared,
        is_default=is_default,
    )
    _save(row, is_new=True)
    trail.record(tag=Tag.FILTER_SAVED, target=row, after=_shown(row), actor=actor)
    return row


@transaction.atomic
def saved_filter_change(
    *, actor: Actor, filter_id: UUID | str, changes: Mapping[str, Any]
) -> SavedFilter:
    """Changes name, query, whether it is shared, whether the list opens with it.

    Raises:
        NotFound: absent, or what another person keeps to himself.
        Refused: it is shared, but another person's, and the actor does not manage the members.
        InvalidInput: as `saved_filter_create`.
    """
    row = _own(actor, filter_id)
    before = _shown(row)
    # With what list it opens is everybody's own.
    own = FIELDS if row.owner_id == actor.user_id else ("name", "query", "is_shared")
    for name in own:
        setattr(row, name, changes.get(name, getattr(row, name)))
    row.name, row.query = row.name.strip(), query_checked(_table(row.table), row.query)
    after = _shown(row)
    if before != after:
        _save(row, is_new=False)
        trail.record(tag=Tag.FILTER_CHANGED, target=row, before=before, after=after, actor=actor)
    return row


@transaction.atomic
def saved_filter_delete(*, actor: Actor, filter_id: UUID | str) -> None:
    """Forgets it. Raises NotFound and Refused as `saved_filter_change`."""
    row = _own(actor, filter_id)
    trail.record(tag=Tag.FILTER_DELETED, target=row, before=_shown(row), actor=actor)
    row.delete()


def _own(actor: Actor, filter_id: UUID | str) -> SavedFilter:
    row = saved_filter_get(actor=actor, filter_id=filter_id, is_locked=True)
    if not saved_filter_is_editable(actor, row):
        message = gettext("This filter belongs to %(owner)s. Save one of your own instead.")
        raise Refused(message % {"owner": row.owner})
    return row


def saved_filter_is_editable(actor: Actor, row: SavedFilter) -> bool:
    """Whether the actor may change it: its owner, and what is shared who manages the members."""
    is_curator = row.is_shared and actor.may(Permission.MEMBERS_MANAGE)
    return row.owner_id == actor.user_id or is_curator


def _table(key: str) -> Table:
    found = tables().get(key)
    if found is None:
        known = ", ".join(sorted(tables()))
        message = gettext("table must be one of %(known)s.") % {"known": known}
        raise InvalidInput(faults=(Fault("table", "invalid_choice", message),))
    return found


def _save(row: SavedFilter, *, is_new: bool) -> None:
    try:
        row.clean_fields(exclude={"tenant", "owner"})
        with transaction.atomic():
            if row.is_default:
                others = SavedFilter.objects.filter(owner_id=row.owner_id, table=row.table)
                others.filter(is_default=True).exclude(pk=row.pk).update(is_default=False)
            row.save(force_insert=is_new)
    except ValidationError as error:
        raise InvalidInput(faults=faults_of(error)) from error
    except IntegrityError as error:
        raise InvalidInput(faults=(_taken(error),)) from error


def _taken(error: IntegrityError) -> Fault:
    if "saved_filter_one_default" in str(error):
        message = gettext("Another filter became the default at the same moment: try again.")
        return Fault("is_default", "default_taken", message)
    if "saved_filter_name_once" not in str(error):
        raise error
    return Fault("name", "name_taken", gettext("You have a filter of this name: choose another."))


def _shown(row: SavedFilter) -> dict[str, Any]:
    return {"table": row.table, **{name: getattr(row, name) for name in FIELDS}}
