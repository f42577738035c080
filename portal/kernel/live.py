"""Topics of live pages: `deployment:<id>` is one object, `deployment` all of the tenant's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from portal.kernel.authz import Actor


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be listened to: who may, and which of some objects the tenant in scope has.

    Of a personal topic everybody hears `name:<own user id>` and nothing else.
    """

    name: str
    permission: str
    known: Callable[[Collection[UUID]], Collection[UUID]]
    is_personal: bool = False

    def is_open_to(self, text: str, permissions: Collection[str], user_id: UUID | None) -> bool:
        """Whether this person, holding these permissions, may listen to the topic as written."""
        if self.is_personal:
            return user_id is not None and text == f"{self.name}:{user_id}"
        return self.permission in permissions


_topics: dict[str, Topic] = {}


def register_topic(topic: Topic) -> None:
    """Makes a topic known (called from an app's `apps.py`)."""
    _topics[topic.name] = topic


def topics_permitted(
    topics: Iterable[str], permissions: Collection[str], user_id: UUID | None
) -> bool:
    """Whether this person, holding these permissions, may listen to all of these."""
    found = [(text, _topics.get(text.partition(":")[0])) for text in topics]
    return all(
        topic is not None and topic.is_open_to(text, permissions, user_id) for text, topic in found
    )


def topics_known(topics: Iterable[str]) -> bool:
    """Whether all of these exist for the tenant in scope."""
    wanted: dict[str, set[UUID]] = {}
    for text in topics:
        name, _, key = text.partition(":")
        if name not in _topics:
            return False
        try:
            wanted.setdefault(name, set()).update({UUID(key)} if key else ())
        except ValueError:
            return False
    return all(set(_topics[name].known(ids)) >= ids for name, ids in wanted.items() if ids)


def may_listen(actor: Actor, topics: Collection[str]) -> bool:
    """Whether the actor may listen to all of these in the tenant in scope."""
    return topics_permitted(topics, actor.permissions, actor.user_id) and topics_known(topics)


def heard(told: Iterable[str]) -> set[str]:
    """The topics that what was told belongs to: the object's own and that of all objects like it."""
    return {part for text in told for part in (text, text.partition(":")[0])}
