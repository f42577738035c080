"""What can be found of the platform itself: operations, people, settings, organisations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.authz import SIGNED_IN
from portal.kernel.commands import Asking, Row, SearchProvider, Words, search_providers
from portal.kernel.matching import fold, match
from portal.kernel.narrowing import Narrowing
from portal.kernel.queue import operation_kinds
from portal.kernel.settings import setting_definitions
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import TargetLink, target_links
from portal.middleware.identity import identity_of
from portal.models import Operation, User
from portal.permissions import Permission
from portal.selectors.members import member_list
from portal.selectors.operations import operation_label, operation_list
from portal.states import OperationStatus

TARGETS: Final = 20
"""Objects whose operations are looked for when words name them."""
_KEY_LENGTH: Final = 32
_HEX: Final = re.compile(r"[0-9a-f-]{6,36}")


def operations_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """The newest by kind, state, id, and the name of what they work on."""
    rows = operation_list(actor=asking.actor)
    if words:
        known = Q()
        others: list[str] = []
        for word in words:
            if condition := _condition(word):
                known &= condition
            else:
                others.append(word)
        wanted = known & _about(asking, tuple(others)) if others else known
        if len(others) < len(words):
            wanted |= _about(asking, words)
        rows = rows.filter(wanted)
    return operation_rows(rows.order_by("-created_at", "-id")[:limit])


def _condition(word: str) -> Q | None:
    """What a word says about operations themselves: a kind, a state, the beginning of an id."""
    kinds = operation_kinds()
    types = [one.type for one in kinds if match((word,), str(one.label), (one.type,))]
    states = [one.value for one in OperationStatus if match((word,), str(one.label))]
    bounds = _id_bounds(word)
    if not (types or states or bounds):
        return None
    condition = Q(type__in=types) | Q(status__in=states)
    return condition | Q(pk__range=bounds) if bounds else condition


def _about(asking: Asking, words: Words) -> Q:
    """Operations on what other apps find under the words."""
    found: list[UUID] = []
    for provider in search_providers(asking):
        if provider.target_type:
            rows = asking.rows(provider, words)[:TARGETS]
            found += [UUID(row.id) for row in rows]
    return Q(target_id__in=found)


def _id_bounds(word: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin so."""
    if not _HEX.fullmatch(word):
        return None
    begun = word.replace("-", "")
    if not begun or len(begun) > _KEY_LENGTH:
        return None
    return UUID(begun.ljust(_KEY_LENGTH, "0")), UUID(begun.ljust(_KEY_LENGTH, "f"))


def operations_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Operations by id."""
    keys = [bounds[0] for one in ids if len(one) == 36 and (bounds := _id_bounds(fold(one)))]
    rows = operation_list(actor=asking.actor).filter(pk__in=keys)
    return operation_rows(rows)


def operation_rows(found: QuerySet[Operation]) -> list[Row]:
    """Operations as the palette lists them; what they work on is looked up once per type."""
    operations = list(found.only(*_SHOWN))
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for one in operations:
        if one.target_id is not None:
            wanted[one.target_type].add(one.target_id)
    links: dict[UUID, TargetLink] = {}
    for type_, ids in wanted.items():
        links |= target_links(type_, ids)
    return [_operation(one, links) for one in operations]


_SHOWN: Final = ("type", "status", "target_type", "target_id", "actor_label", "tenant_id")


def _operation(one: Operation, links: Mapping[UUID, TargetLink]) -> Row:
    link = links.get(one.target_id) if one.target_id else None
    target = link.label if link else one.target_type
    style = OperationStatus(one.status)
    return Row(
        title=" · ".join(part for part in (operation_label(one.type), target) if part),
        url=reverse("portal:operation_detail", args=[one.pk]),
        sub=str(one.pk),
        icon="square-terminal",
        id=str(one.pk),
        keywords=(str(one.pk), one.type, str(style.label), one.actor_label),
        status=("operation", one.status),
    )


def people_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Members of the organisation by name and user name."""
    tenant_id = current_tenant_id()
    if tenant_id is None:
        return []
    rows = member_list(actor=asking.actor, tenant_id=tenant_id).filter(is_active=True)
    if not words:
        rows = rows.order_by("display_name", "username")
    return [_person(asking, one) for one in _PEOPLE(rows, words, limit)]


_PEOPLE: Final = Narrowing(("username", "display_name", "email"))


def _person(asking: Asking, one: User) -> Row:
    held = [place.role.name for place in getattr(one, "shown_memberships", ())]
    known = (one.username if one.display_name else "", *held, one.email)
    url = f"{reverse('portal:search')}?q={one.username}"
    if asking.may(Permission.USERS_MANAGE):
        url = reverse("admin:portal_user_change", args=[one.pk])
    elif asking.may("audit.view"):
        url = f"/audit?actor={one.username}"
    return Row(
        title=str(one),
        url=url,
        sub=" · ".join(part for part in known if part),
        icon="user",
        id=str(one.pk),
        keywords=(one.username, one.email),
    )


def settings_find(_asking: Asking, words: Words, limit: int) -> list[Row]:
    """System settings by name and description."""
    rows = [
        Row(
            title=one.name,
            url=f"/admin/settings#id_{one.name}",
            sub=str(one.description),
            icon="settings-2",
            id=one.name,
            keywords=(str(one.description),),
        )
        for one in setting_definitions()
    ]
    return _matching(rows, words, limit)


def tenants_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """The organisations of the person, but the one in scope."""
    if asking.request is None:
        return []
    rows = [
        Row(
            title=choice.name,
            url=f"/?tenant={choice.slug}",
            sub=_("Organisation · %(role)s") % {"role": choice.role},
            icon="building-2",
            id=choice.slug,
            keywords=(choice.slug,),
        )
        for choice in identity_of(asking.request).tenants
        if choice.id != current_tenant_id()
    ]
    return _matching(rows, words, limit)


def _matching(rows: list[Row], words: Words, limit: int) -> list[Row]:
    return [row for row in rows if not words or match(words, row.title, row.keywords)][:limit]


PROVIDERS: Final = (
    SearchProvider(
        kind="operation",
        label=gettext_lazy("Operations"),
        icon="square-terminal",
        permission=Permission.OPERATIONS_VIEW,
        find=operations_find,
        get=operations_get,
        place="/operations/",
        prefix="#",
        order=40,
    ),
    SearchProvider(
        kind="person",
        label=gettext_lazy("People"),
        icon="user",
        permission=Permission.MEMBERS_VIEW,
        find=people_find,
        prefix="@",
        order=60,
    ),
    SearchProvider(
        kind="setting",
        label=gettext_lazy("Settings"),
        icon="settings-2",
        permission=Permission.SETTINGS_MANAGE,
        find=settings_find,
        order=70,
    ),
    SearchProvider(
        kind="tenant",
        label=gettext_lazy("Organisations"),
        icon="building-2",
        permission=SIGNED_IN,
        find=tenants_find,
        order=75,
    ),
)
