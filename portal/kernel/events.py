"""Typed domain events: lower apps publish, upper apps subscribe in their `handlers.py`.

Subscribers run inside the publisher's transaction, so what they enqueue commits with the change or
not at all; nothing is lost to a crash in between. They must not call the network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

Event = TypeVar("Event")
_subscribers: dict[type, list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event_type: type[Event], handler: Callable[[Event], None]) -> None:
    """Calls `handler` for every event of exactly this type. Subscribing twice has no further effect."""
    if handler not in _subscribers[event_type]:
        _subscribers[event_type].append(handler)


def publish(event: object) -> None:
    """Hands the event to its subscribers, in the order they subscribed; their errors are the caller's."""
    for handler in tuple(_subscribers[type(event)]):
        handler(event)
