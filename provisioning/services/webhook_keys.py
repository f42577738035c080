"""The keys of webhooks: where they are kept, how they change, how a message is signed with them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from standardwebhooks.webhooks import Webhook as Signer

from integrations.services.secrets import secret_put, secret_store
from integrations.vault.mapping import reference_parse

_KEY_BYTES: Final = 32
_HEADER: Final = "header."


@dataclass(frozen=True, slots=True)
class Keys:
    """What a receiver shares with us; `previous` counts until its moment."""

    current: str = field(repr=False)
    previous: str = field(default="", repr=False)
    previous_until: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that no log may show."""
        return tuple(filter(None, (self.current, self.previous, *self.headers.values())))

    def signatures(self, message_id: str, at: datetime, body: str) -> str:
        """The signatures of a message, the newest key's first."""
        keys = [self.current]
        if self.previous and self.previous_until is not None and at < self.previous_until:
            keys.append(self.previous)
        return " ".join(Signer(key).sign(message_id, at.astimezone(UTC), body) for key in keys)


def key_make() -> str:
    """A new key, as receivers are given it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def keys_reference(tenant_id: UUID, webhook_id: UUID) -> str:
    """Where a webhook's keys are kept."""
    return f"vault:tenants/{tenant_id}/webhooks/{webhook_id}#secret"


def keys_read(reference: str) -> Keys:
    """The keys as they are now. Raises what the store raises when it cannot be asked."""
    data = secret_store().get(reference_parse(reference).path)
    until = data.get("previous_until", "")
    return Keys(
        current=data["secret"],
        previous=data.get("previous", ""),
        previous_until=datetime.fromisoformat(until) if until else None,
        headers={
            name.removeprefix(_HEADER): value
            for name, value in data.items()
            if name.startswith(_HEADER)
        },
    )


def keys_write(reference: str, keys: Keys) -> None:
    """Stores keys and headers as one new version."""
    data = {"secret": keys.current}
    if keys.previous and keys.previous_until is not None:
        data |= {"previous": keys.previous, "previous_until": keys.previous_until.isoformat()}
    data |= {f"{_HEADER}{name}": value for name, value in keys.headers.items()}
    secret_put(reference_parse(reference).path, data)


def keys_rotated(keys: Keys, *, at: datetime, overlap: timedelta) -> Keys:
    """A new key in front of the one in use, which stays valid for the overlap."""
    return Keys(key_make(), keys.current, at + overlap, keys.headers)
