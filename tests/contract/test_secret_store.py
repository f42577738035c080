"""What every implementation of `SecretStore` does.

A further store joins by an entry in STORES and a fixture of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from integrations.base.registry import HostRegistry
from integrations.services.secret_store import EmbeddedSecretStore
from integrations.vault.adapter import VaultSecretStore
from integrations.vault.errors import InvalidSecret, SecretConflict, SecretMissing
from integrations.vault.fake import FakeSecretStore
from integrations.vault.interface import SecretStore, StoreState
from integrations.vault.transport import TokenLogin, VaultEndpoint, VaultTransport
from tests.integrations.vault.kv_server import kv_server

ALIASES = ("default", "owner", "platform", "dispatch")
STORES = (
    "fake_store",
    "vault_store",
    pytest.param(
        "embedded_store", marks=pytest.mark.django_db(transaction=True, databases=ALIASES)
    ),
)
DATA = {"token_id": "uhub@pve!portal", "token": "s3cret=ü"}


@pytest.fixture
def fake_store() -> FakeSecretStore:
    return FakeSecretStore()


@pytest.fixture
def vault_store() -> Iterator[VaultSecretStore]:
    with kv_server() as server:
        endpoint = VaultEndpoint(url=server.url, login=TokenLogin("root-token"))
        yield VaultSecretStore(VaultTransport(endpoint, registry=HostRegistry()))


@pytest.fixture
def embedded_store(transactional_db: None) -> EmbeddedSecretStore:
    return EmbeddedSecretStore()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> SecretStore:
    found: SecretStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def folder() -> str:
    return f"tests/{uuid4().hex}"


@pytest.fixture
def path(folder: str) -> str:
    return f"{folder}/demo"


def test_what_was_put_is_got(store: SecretStore, path: str) -> None:
    store.put(path, DATA)
    assert store.get(path) == DATA


def test_first_write_makes_version_one(store: SecretStore, path: str) -> None:
    assert store.put(path, DATA) == 1


def test_each_write_makes_the_next_version(store: SecretStore, path: str) -> None:
    assert [store.put(path, {"n": str(number)}) for number in range(3)] == [1, 2, 3]


def test_latest_version_is_got(store: SecretStore, path: str) -> None:
    store.put(path, {"n": "1"})
    store.put(path, {"n": "2"})
    assert store.get(path) == {"n": "2"}


def test_earlier_version_is_got_on_demand(store: SecretStore, path: str) -> None:
    store.put(path, {"n": "1"})
    store.put(path, {"n": "2"})
    assert store.get(path, version=1) == {"n": "1"}


def test_write_replaces_the_whole_content(store: SecretStore, path: str) -> None:
    store.put(path, {"a": "1", "b": "2"})
    store.put(path, {"a": "3"})
    assert store.get(path) == {"a": "3"}


def test_missing_secret_is_missing(store: SecretStore, path: str) -> None:
    with pytest.raises(SecretMissing):
        store.get(path)


def test_missing_version_is_missing(store: SecretStore, path: str) -> None:
    store.put(path, DATA)
    with pytest.raises(SecretMissing):
        store.get(path, version=2)


def test_folder_is_no_secret(store: SecretStore, folder: str, path: str) -> None:
    store.put(path, DATA)
    with pytest.raises(SecretMissing):
        store.get(folder)


def test_write_of_a_new_secret_on_condition_that_it_is_new(store: SecretStore, path: str) -> None:
    assert store.put(path, DATA, cas=0) == 1


def test_write_on_condition_of_the_current_version(store: SecretStore, path: str) -> None:
    store.put(path, DATA)
    assert store.put(path, {"n": "2"}, cas=1) == 2


@pytest.mark.parametrize("cas", [0, 2])
def test_write_on_condition_of_another_version_changes_nothing(
    store: SecretStore, path: str, cas: int
) -> None:
    store.put(path, DATA)
    with pytest.raises(SecretConflict):
        store.put(path, {"n": "2"}, cas=cas)
    assert store.get(path) == DATA


def test_deleted_secret_is_missing_in_all_versions(store: SecretStore, path: str) -> None:
    store.put(path, DATA)
    store.delete(path)
    with pytest.raises(SecretMissing):
        store.get(path)
    with pytest.raises(SecretMissing):
        store.get(path, version=1)


def test_delete_of_a_missing_secret_has_no_effect(store: SecretStore, path: str) -> None:
    store.delete(path)
    assert store.list(path) == ()


def test_deleted_secret_can_be_written_anew(store: SecretStore, path: str) -> None:
    store.put(path, DATA)
    store.delete(path)
    store.put(path, {"n": "new"})
    assert store.get(path) == {"n": "new"}


def test_list_names_what_is_directly_below(store: SecretStore, folder: str) -> None:
    for name in ("b", "a", "c/d", "c/e"):
        store.put(f"{folder}/{name}", DATA)
    assert store.list(folder) == ("a", "b", "c/")


def test_list_takes_a_prefix_with_a_slash(store: SecretStore, folder: str, path: str) -> None:
    store.put(path, DATA)
    assert store.list(f"{folder}/") == ("demo",)


def test_list_of_nothing_is_empty(store: SecretStore, folder: str) -> None:
    assert store.list(folder) == ()


def test_list_does_not_mix_up_names_with_a_common_beginning(
    store: SecretStore, folder: str
) -> None:
    store.put(f"{folder}/ab/x", DATA)
    assert store.list(f"{folder}/a") == ()


def test_list_leaves_out_deleted_secrets(store: SecretStore, folder: str, path: str) -> None:
    store.put(path, DATA)
    store.delete(path)
    assert store.list(folder) == ()


@pytest.mark.parametrize(
    "bad",
    ["", "/a", "a/", "a//b", "../a", "a/../b", ".hidden", "a b", "a#b", "a?b", "ä", "a" * 256],
)
def test_path_that_no_store_accepts_is_refused(store: SecretStore, bad: str) -> None:
    with pytest.raises(InvalidSecret):
        store.get(bad)


@pytest.mark.parametrize("bad", [{}, {"": "x"}, {"a b": "x"}, {"a": 1}, {"a": "x" * 70_000}])
def test_content_that_no_store_accepts_is_refused(
    store: SecretStore, path: str, bad: dict[str, str]
) -> None:
    with pytest.raises(InvalidSecret):
        store.put(path, bad)
    assert store.list(path.rpartition("/")[0]) == ()


def test_caller_cannot_change_a_stored_content(store: SecretStore, path: str) -> None:
    data = dict(DATA)
    store.put(path, data)
    data["token"] = "changed"
    store.get(path)["token"] = "changed"
    assert store.get(path) == DATA


def test_working_store_is_ready(store: SecretStore) -> None:
    health = store.health()
    assert (health.state, health.is_ready) == (StoreState.READY, True)
