"""Tables of the integrations: secrets of the embedded store."""

from __future__ import annotations

from integrations.models.secret import SecretVersion

__all__ = ["SecretVersion"]
