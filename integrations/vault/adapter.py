"""The secret store behind a Vault KV version 2 engine."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.base.errors import Ambiguous, ProviderError
from integrations.vault import mapping
from integrations.vault.errors import PROVIDER, MalformedSecret, SecretMissing
from integrations.vault.interface import SecretStore, StoreHealth, StoreState
from integrations.vault.transport import VaultTransport


class VaultSecretStore(SecretStore):
    """Implements `SecretStore` in one mount of a Vault."""

    def __init__(self, transport: VaultTransport) -> None:
        self._transport = transport
        self._mount = transport.endpoint.mount

    def put(self, path: str, data: Mapping[str, str], *, cas: int | None = None) -> int:
        path, secret = mapping.path_checked(path), mapping.content_checked(data)
        answer = self._transport.call(
            lambda client: client.secrets.kv.v2.create_or_update_secret(
                path, secret=secret, cas=cas, mount_point=self._mount
            ),
            is_write=True,
        )
        try:
            return mapping.written_version(answer)
        except MalformedSecret as error:
            raise Ambiguous(error.message, provider=PROVIDER) from error

    def get(self, path: str, version: int | None = None) -> dict[str, str]:
        path = mapping.path_checked(path)
        answer = self._transport.call(
            lambda client: client.secrets.kv.v2.read_secret_version(
                path, version=version, mount_point=self._mount, raise_on_deleted_version=True
            )
        )
        return mapping.content(answer)

    def delete(self, path: str) -> None:
        path = mapping.path_checked(path)
        try:
            self._transport.call(
                lambda client: client.secrets.kv.v2.delete_metadata_and_all_versions(
                    path, mount_point=self._mount
                ),
                is_write=True,
            )
        except SecretMissing:
            return

    def list(self, prefix: str = "") -> tuple[str, ...]:
        prefix = mapping.prefix_checked(prefix)
        try:
            answer = self._transport.call(
                lambda client: client.secrets.kv.v2.list_secrets(prefix, mount_point=self._mount)
            )
        except SecretMissing:
            return ()
        return mapping.names(answer)

    def health(self) -> StoreHealth:
        try:
            return mapping.health(self._transport.health_status())
        except ProviderError as error:
            return StoreHealth(StoreState.UNREACHABLE, error.message)
