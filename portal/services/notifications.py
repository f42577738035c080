"""Notices: written in the transaction of what happened, never twice for the same cause; read by their person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel import clock, scope
from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound, Refused
from portal.kernel.models import uuid7
from portal.kernel.notices import notice_kind, notice_kinds
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID
from portal.models import Membership, NoticeChoice, Notification
from portal.selectors.notifications import TOPIC, notification_get, notification_list
from portal.services.live_events import live_publish
from portal.services.purges import purge_in_rounds
from portal.services.settings import setting_get
from portal.tags import Tag

RETENTION: Final = "platform.notifications.retention_days"
_DETAIL_MOST: Final = 300

# Rows go in by the order of their people, so that two who tell the same people wait for each other in turn.
_INSERT: Final = """
  INSERT INTO portal_notification
    (id, created_at, updated_at, tenant_id, user_id, kind, cause, words, path)
  SELECT n.id, %(at)s, %(at)s, %(tenant_id)s, u.id, %(kind)s, %(cause)s, %(words)s::jsonb, %(path)s
  FROM unnest(%(ids)s::uuid[], %(user_ids)s::uuid[]) WITH ORDINALITY AS n (id, user_id, place)
  JOIN portal_user u ON u.id = n.user_id AND u.is_active
  LEFT JOIN portal_noticechoice c ON c.user_id = u.id AND c.kind = %(kind)s
  WHERE coalesce(c.is_on, %(is_on)s)
  ORDER BY n.place
  ON CONFLICT DO NOTHING
  RETURNING user_id"""
# Keys begin with the moment they were made in, so the oldest come first.
_PURGE: Final = """
  DELETE FROM portal_notification WHERE id IN (
    SELECT id FROM portal_notification ORDER BY id LIMIT %(most)s)
    AND created_at < now() - make_interval(days => %(days)s)"""


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened: `cause` names it once and for all, `path` is its page, `words` what is said of it."""

    kind: str
    cause: str
    path: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)


def notify(notice: Notice, *, tenant_id: UUID, user_ids: Collection[UUID | None]) -> set[UUID]:
    """Tells people in the open transaction; answers those who had not been told of it yet and want to be."""
    people = sorted({user_id for user_id in user_ids if user_id is not None})
    if not people:
        return set()
    words = dict(notice.words)
    if words.get("detail"):
        words["detail"] = str(words["detail"])[:_DETAIL_MOST]
    parameters: dict[str, Any] = {
        "at": clock.now(),
        "tenant_id": tenant_id,
        "ids": [uuid7() for _ in people],
        "user_ids": people,
        "kind": notice.kind,
        "cause": notice.cause,
        "words": orjson.dumps(words).decode(),
        "path": notice.path,
        "is_on": notice_kind(notice.kind).is_on_by_default,
    }
    with connections[scope.alias.get()].cursor() as cursor:
        cursor.execute(_INSERT, parameters)
        told = {row[0] for row in cursor.fetchall()}
    _tell(told, tenant_id)
    return told


def notification_read(*, actor: Actor, notification_id: UUID | str) -> Notification:
    """One notice of one's own was seen; seeing it again changes nothing. Raises NotFound."""
    notification = notification_get(actor=actor, notification_id=notification_id)
    if _mark(notification_list(actor=actor).filter(pk=notification.pk), actor):
        notification.read_at = clock.now()
    return notification


def notifications_read(*, actor: Actor) -> int:
    """All notices of one's own, in this organisation, were seen; answers how many had not been."""
    return _mark(notification_list(actor=actor), actor)


@transaction.atomic
def notice_choices_set(*, actor: Actor, wanted: Collection[str]) -> None:
    """Which kinds one wants from now on; what has been told already stays.

    Raises:
        Refused: nobody in person asks.
        NotFound: there is no kind of that name.
    """
    if actor.user_id is None:
        raise Refused(gettext("Only people are told of things."))
    known = {kind.key: kind for kind in notice_kinds()}
    if not set(wanted) <= known.keys():
        raise NotFound(gettext("There is no such kind of notices."))
    rows = NoticeChoice.objects.filter(user_id=actor.user_id)
    before = dict(rows.values_list("kind", "is_on"))
    rows.delete()
    after = {
        key: key in wanted
        for key, kind in known.items()
        if (key in wanted) is not kind.is_on_by_default
    }
    NoticeChoice.objects.bulk_create(
        NoticeChoice(user_id=actor.user_id, kind=key, is_on=is_on) for key, is_on in after.items()
    )
    if before != after:
        trail.record(
            tag=Tag.NOTICES_CHOSEN,
            target=None,
            target_type="portal.user",
            target_id=str(actor.user_id),
            actor=actor,
            before=before,
            after=after,
        )


def notifications_purge() -> int:
    """Forgets what is older than the retention; answers how much."""
    return purge_in_rounds(_PURGE, {"days": int(setting_get(RETENTION))})


def _mark(rows: QuerySet[Notification], actor: Actor) -> int:
    now = clock.now()
    marked = rows.filter(read_at__isnull=True).update(read_at=now, updated_at=now)
    if marked and actor.tenant_id is not None:
        live_publish(f"{TOPIC}:{actor.user_id}", tenant_id=actor.tenant_id)
    return marked


def _tell(people: Collection[UUID], tenant_id: UUID) -> None:
    """Streams belong to organisations: what concerns the platform is told in each of a person's own."""
    if not people:
        return
    if tenant_id != PLATFORM_TENANT_ID:
        live_publish(*(f"{TOPIC}:{user_id}" for user_id in sorted(people)), tenant_id=tenant_id)
        return
    if scope.alias.get() != PLATFORM:
        return
    places = Membership.objects.using(PLATFORM).filter(user_id__in=people)
    for user_id, place in places.order_by("id").values_list("user_id", "tenant_id"):
        live_publish(f"{TOPIC}:{user_id}", tenant_id=place)
