from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.base.errors import AccessRefused, Ambiguous, NotExecuted, Permanent, Unavailable
from integrations.base.registry import GateClosed, HostRegistry
from integrations.vault.adapter import VaultSecretStore
from integrations.vault.errors import SecretMissing, StoreUnreachable
from integrations.vault.interface import StoreState
from integrations.vault.transport import AppRoleLogin, TokenLogin, VaultEndpoint, VaultTransport
from tests.integrations.proxmox.scripted import unused_address
from tests.integrations.vault.kv_server import KvServer, kv_server

ROLE = AppRoleLogin(role_id="role-1", secret_id="secret-1")


@pytest.fixture
def server() -> Iterator[KvServer]:
    with kv_server() as found:
        found.secrets["a/b"] = [{"k": "v"}]
        yield found


def store_make(url: str, login: TokenLogin | AppRoleLogin = ROLE, **changes: object):
    endpoint = VaultEndpoint(url=url, login=login, **{"timeout_s": 30.0, **changes})
    return VaultSecretStore(VaultTransport(endpoint, registry=HostRegistry()))


def test_role_logs_in_once_for_many_calls(server: KvServer) -> None:
    store = store_make(server.url)
    for _ in range(5):
        store.get("a/b")
    assert server.logins == 1


def test_warm_calls_make_no_new_connection(server: KvServer) -> None:
    store = store_make(server.url)
    for _ in range(5):
        store.get("a/b")
    assert server.connections == 1


def test_expired_token_is_replaced_once(server: KvServer) -> None:
    store = store_make(server.url)
    store.get("a/b")
    server.tokens.clear()
    assert store.get("a/b") == {"k": "v"}
    assert server.logins == 2


def test_right_that_is_lacking_ends_after_one_more_login(server: KvServer) -> None:
    store = store_make(server.url)
    server.script = lambda _, path: (
        (403, {"errors": ["permission denied"]}) if path.startswith("secret/") else None
    )
    with pytest.raises(AccessRefused, match="permission denied"):
        store.get("a/b")
    assert server.logins == 2


def test_threads_share_one_login(server: KvServer) -> None:
    store = store_make(server.url)
    together = threading.Barrier(4)

    def work() -> dict[str, str]:
        together.wait(10)
        return store.get("a/b")

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work) for _ in range(4)]:
            assert future.result() == {"k": "v"}
    assert server.logins == 1


def test_fixed_token_that_is_refused_is_a_configuration_fault(server: KvServer) -> None:
    with pytest.raises(AccessRefused):
        store_make(server.url, TokenLogin("old")).get("a/b")


def test_role_that_is_refused_is_permanent(server: KvServer) -> None:
    login = AppRoleLogin(role_id="role-1", secret_id="wrong")
    with pytest.raises(Permanent, match="invalid role or secret ID"):
        store_make(server.url, login).get("a/b")


@pytest.mark.parametrize("answer", [{}, {"auth": None}])
def test_login_that_gives_no_token_is_a_configuration_fault(
    server: KvServer, answer: dict[str, object]
) -> None:
    server.script = lambda _method, _path: (200, answer)
    with pytest.raises(AccessRefused, match="no token"):
        store_make(server.url).get("a/b")


def test_write_whose_answer_names_no_version_is_ambiguous(server: KvServer) -> None:
    store = store_make(server.url, TokenLogin("root-token"))
    server.script = lambda _method, _path: (200, {"data": {}})
    with pytest.raises(Ambiguous):
        store.put("a/b", {"k": "v"})


def test_delete_of_what_somebody_deleted_before_is_done(server: KvServer) -> None:
    store = store_make(server.url, TokenLogin("root-token"))
    server.script = lambda _method, _path: (404, {"errors": []})
    store.delete("a/b")
    assert server.requests == [("DELETE", "secret/metadata/a/b")]


def test_environment_token_is_ignored(server: KvServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "root-token")
    with pytest.raises(AccessRefused):
        store_make(server.url, TokenLogin("old")).get("a/b")


def test_sealed_store_is_unavailable(server: KvServer) -> None:
    server.health_status = 503
    with pytest.raises(StoreUnreachable, match="sealed") as caught:
        store_make(server.url).get("a/b")
    assert caught.value.retry_after_s == 5.0


@pytest.mark.parametrize("status", [429, 500, 501, 502, 503])
def test_status_that_passes_by_itself_is_retryable(server: KvServer, status: int) -> None:
    store = store_make(server.url, TokenLogin("root-token"))
    server.script = lambda _method, _path: (status, {"errors": ["later"]})
    with pytest.raises(NotExecuted, match="later"):
        store.put("a/b", {"k": "v"})


def test_wrong_mount_is_not_a_missing_secret(server: KvServer) -> None:
    with pytest.raises(Permanent, match="no handler for route") as caught:
        store_make(server.url, mount="other").get("a/b")
    assert not isinstance(caught.value, SecretMissing)


def test_redirect_is_not_followed(server: KvServer) -> None:
    store = store_make(server.url, TokenLogin("root-token"))
    server.script = lambda _method, _path: (307, {})
    with pytest.raises(Permanent, match="redirects"):
        store.get("a/b")


def test_store_that_is_down_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        store_make(f"http://{unused_address()}").get("a/b")


def test_write_to_a_store_that_is_down_was_not_executed() -> None:
    with pytest.raises(NotExecuted):
        store_make(f"http://{unused_address()}", TokenLogin("x")).put("a/b", {"k": "v"})


def test_store_that_stays_down_is_left_alone() -> None:
    store = store_make(f"http://{unused_address()}", TokenLogin("x"))
    for _ in range(3):
        with pytest.raises(StoreUnreachable):
            store.get("a/b")
    with pytest.raises(GateClosed):
        store.get("a/b")


def test_read_is_repeated_once_on_a_dropped_connection(server: KvServer) -> None:
    store = store_make(server.url)
    store.get("a/b")
    server.drops = 1
    assert store.get("a/b") == {"k": "v"}


def test_write_whose_answer_was_lost_is_ambiguous(server: KvServer) -> None:
    store = store_make(server.url)
    store.get("a/b")
    server.drops = 1
    with pytest.raises(Ambiguous):
        store.put("a/b", {"k": "w"})
    assert server.secrets["a/b"] == [{"k": "v"}]


def test_slow_store_is_unavailable_in_time(server: KvServer) -> None:
    release = threading.Event()
    store = store_make(server.url, TokenLogin("root-token"), timeout_s=0.4)
    server.script = lambda _method, _path: release.wait(60) and None
    with pytest.raises(StoreUnreachable):
        store.get("a/b")
    release.set()


def test_health_of_a_sealed_store(server: KvServer) -> None:
    server.health_status = 503
    assert store_make(server.url).health().state is StoreState.SEALED


def test_health_of_a_store_that_is_down() -> None:
    health = store_make(f"http://{unused_address()}").health()
    assert (health.state, health.is_ready) == (StoreState.UNREACHABLE, False)


def test_health_needs_no_login(server: KvServer) -> None:
    assert store_make(server.url).health().is_ready is True
    assert server.logins == 0


@pytest.mark.parametrize("url", ["http://vault.example:8200", "ftp://127.0.0.1", "", "vault"])
def test_address_that_would_show_secrets_to_the_network_is_refused(url: str) -> None:
    with pytest.raises(Permanent):
        VaultEndpoint(url=url, login=ROLE)


def test_endpoint_hides_its_credentials() -> None:
    endpoints = [
        VaultEndpoint(url="https://vault:8200", login=login)
        for login in (ROLE, TokenLogin("t0ken"))
    ]
    assert "secret-1" not in repr(endpoints)
    assert "t0ken" not in repr(endpoints)
