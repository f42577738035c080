"""Errors of secret stores, whichever store it is."""

from __future__ import annotations

from typing import Final

from integrations.base.errors import NotExecuted, Permanent, Unavailable

PROVIDER: Final = "vault"


class SecretMissing(Permanent):
    """There is no secret, or no such version, under the path."""


class SecretConflict(NotExecuted):
    """The secret is not at the version the writer expected: read it again first."""


class InvalidSecret(Permanent):
    """A path, reference or content that no store accepts."""


class MalformedSecret(Unavailable):
    """The store's answer cannot be understood."""


class StoreUnreachable(Unavailable):
    """The store gives no answer, is sealed, or asks to come back later."""
