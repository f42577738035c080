"""A person's own notices: those of the organisation in scope, and those of the platform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.utils.functional import cached_property
from django.utils.translation import gettext

from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound
from portal.kernel.notices import NoticeKind, notice_kind, notice_kinds
from portal.kernel.stored_text import translated
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.models import NoticeChoice, Notification, User

TOPIC: Final = "notification"
NEWEST: Final = 10


@dataclass(frozen=True)
class NoticeView:
    """A notice as pages and the API show it, in the reader's language."""

    row: Notification

    @cached_property
    def kind(self) -> NoticeKind:
        return notice_kind(self.row.kind)

    @cached_property
    def text(self) -> str:
        return notification_text(self.row.kind, self.row.words)

    @property
    def detail(self) -> str:
        return notification_detail(self.row.words)

    @property
    def is_read(self) -> bool:
        return self.row.read_at is not None

    @property
    def at(self) -> datetime:
        return self.row.created_at


@dataclass(frozen=True, slots=True)
class Bell:
    """What the top bar shows: how many were not seen, and the newest."""

    unread: int
    notices: tuple[NoticeView, ...]


@dataclass(frozen=True, slots=True)
class NoticeSwitch:
    """A kind, and whether the person wants it."""

    kind: NoticeKind
    is_on: bool


def notification_text(kind: str, words: dict[str, Any]) -> str:
    """The sentence of a notice; words that an older version wrote still say what it is about."""
    found = notice_kind(kind)
    try:
        return found.text(words)
    except (KeyError, ValueError, TypeError):
        return str(found.label)


def notification_detail(words: dict[str, Any]) -> str:
    """What stands below the sentence: an error, a reason."""
    return translated(words.get("detail"))


def notification_list(*, actor: Actor) -> QuerySet[Notification]:
    """One's own, of the organisation one works in and of the platform."""
    if actor.user_id is None:
        return Notification.objects.none()
    places = [tenant_id for tenant_id in (actor.tenant_id, PLATFORM_TENANT_ID) if tenant_id]
    return Notification.objects.filter(user_id=actor.user_id, tenant_id__in=places)


def notification_get(*, actor: Actor, notification_id: UUID | str) -> Notification:
    """One of one's own. Raises NotFound."""
    try:
        return notification_list(actor=actor).get(pk=UUID(str(notification_id)))
    except (ValueError, Notification.DoesNotExist):
        raise NotFound(gettext("There is no such notice.")) from None


def bell_of(actor: Actor) -> Bell:
    """The newest with the number of unseen ones, in one question."""
    mine = notification_list(actor=actor)
    unseen = mine.filter(read_at__isnull=True, user_id=OuterRef("user_id")).order_by()
    counted = unseen.values("user_id").annotate(count=Count("pk")).values("count")
    rows = list(
        mine.annotate(unread=Subquery(counted, output_field=IntegerField())).order_by("-pk")[
            :NEWEST
        ]
    )
    unread = int(getattr(rows[0], "unread", 0) or 0) if rows else 0
    return Bell(unread, tuple(NoticeView(row) for row in rows))


def notice_switches(*, actor: Actor) -> tuple[NoticeSwitch, ...]:
    """All kinds, each with the person's choice or its default."""
    rows = NoticeChoice.objects.filter(user_id=actor.user_id) if actor.user_id else None
    chosen: dict[str, bool] = dict(rows.values_list("kind", "is_on")) if rows is not None else {}
    return tuple(
        NoticeSwitch(kind, chosen.get(kind.key, kind.is_on_by_default)) for kind in notice_kinds()
    )


def platform_people() -> tuple[UUID, ...]:
    """Platform staff: who is told of what concerns no organisation."""
    rows = User.objects.filter(is_platform_admin=True, is_active=True).order_by("pk")
    return tuple(rows.values_list("pk", flat=True))


def people_known(ids: Collection[UUID]) -> Collection[UUID]:
    """Whose notices may be listened to is decided by who asks; the ids exist as far as anybody knows."""
    return ids
