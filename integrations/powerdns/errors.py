"""Errors of name servers, whichever provider it is."""

from __future__ import annotations

from typing import Final

from integrations.base.errors import Permanent, Unavailable

PROVIDER: Final = "powerdns"


class ZoneMissing(Permanent):
    """The server does not have the zone."""


class NameConflict(Permanent):
    """The server refuses the content, such as an address beside an alias of the same name."""


class InvalidName(Permanent):
    """A name, type, content or address that no server accepts."""


class MalformedAnswer(Unavailable):
    """The server's answer cannot be understood."""


class ServerUnreachable(Unavailable):
    """The server gives no answer, or asks to come back later."""
