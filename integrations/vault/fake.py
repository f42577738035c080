"""An in-memory secret store with the same contract, for tests that need no store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from integrations.base.errors import ProviderError
from integrations.vault.errors import PROVIDER, SecretConflict, SecretMissing
from integrations.vault.interface import SecretStore, StoreHealth, StoreState
from integrations.vault.mapping import content_checked, path_checked, prefix_checked


class FakeSecretStore(SecretStore):
    """Implements `SecretStore` in memory, with faults on demand and a log of every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.state = StoreState.READY
        self._versions: dict[str, list[dict[str, str]]] = {}
        self._faults: dict[str, list[ProviderError]] = defaultdict(list)

    def fail_next(self, method: str, error: ProviderError) -> None:
        """Let the next call of `method` raise without effect."""
        self._faults[method].append(error)

    def put(self, path: str, data: Mapping[str, str], *, cas: int | None = None) -> int:
        self._call("put", path)
        versions = self._versions.get(path_checked(path), [])
        if cas is not None and cas != len(versions):
            raise SecretConflict("the secret has another version", provider=PROVIDER)
        self._versions[path] = [*versions, content_checked(data)]
        return len(self._versions[path])

    def get(self, path: str, version: int | None = None) -> dict[str, str]:
        self._call("get", path)
        versions = self._versions.get(path_checked(path), [])
        number = len(versions) if version is None else version
        if not 1 <= number <= len(versions):
            raise SecretMissing("there is no such secret", provider=PROVIDER)
        return dict(versions[number - 1])

    def delete(self, path: str) -> None:
        self._call("delete", path)
        self._versions.pop(path_checked(path), None)

    def list(self, prefix: str = "") -> tuple[str, ...]:
        self._call("list", prefix)
        folder = f"{prefix_checked(prefix)}/" if prefix else ""
        below = (path.removeprefix(folder) for path in self._versions if path.startswith(folder))
        return tuple(sorted({name[: name.find("/") + 1] or name for name in below}))

    def health(self) -> StoreHealth:
        return StoreHealth(self.state)

    def _call(self, method: str, path: str) -> None:
        self.calls.append((method, path))
        if self._faults[method]:
            raise self._faults[method].pop(0)
