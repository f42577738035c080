"""The secret store in force and the one way to resolve references into it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from django.conf import settings

from integrations.services.secret_store import EmbeddedSecretStore
from integrations.vault.adapter import VaultSecretStore
from integrations.vault.errors import SecretMissing
from integrations.vault.interface import SecretStore
from integrations.vault.mapping import reference_parse
from integrations.vault.transport import AppRoleLogin, TokenLogin, VaultEndpoint, VaultTransport


@cache
def secret_store() -> SecretStore:
    """Vault where `VAULT_ADDR` names one, else the encrypted store in our own database."""
    if not settings.VAULT_ADDR:
        return EmbeddedSecretStore()
    login: TokenLogin | AppRoleLogin = TokenLogin(settings.VAULT_TOKEN)
    if settings.VAULT_ROLE_ID:
        login = AppRoleLogin(settings.VAULT_ROLE_ID, settings.VAULT_SECRET_ID)
    endpoint = VaultEndpoint(url=settings.VAULT_ADDR, login=login, mount=settings.VAULT_MOUNT)
    return VaultSecretStore(VaultTransport(endpoint))


def secret_put(path: str, data: Mapping[str, str]) -> int:
    """Stores a new version of a secret; answers its number."""
    return secret_store().put(path, dict(data))


def secret_resolve(reference: str) -> str:
    """The value behind `vault:<path>#<key>`.

    Raises: SecretMissing, and what the store raises when it cannot be asked.
    """
    wanted = reference_parse(reference)
    data = secret_store().get(wanted.path)
    if wanted.key not in data:
        raise SecretMissing(f"{wanted.path} has no field {wanted.key}", provider="secrets")
    return data[wanted.key]
