from __future__ import annotations

import pytest

from integrations.vault.errors import StoreUnreachable
from integrations.vault.fake import FakeSecretStore
from integrations.vault.interface import StoreState


def test_fault_hits_one_call_and_keeps_it_from_having_an_effect() -> None:
    store = FakeSecretStore()
    store.fail_next("put", StoreUnreachable("down"))
    with pytest.raises(StoreUnreachable):
        store.put("a", {"k": "v"})
    assert store.put("a", {"k": "v"}) == 1


def test_state_is_what_the_test_says() -> None:
    store = FakeSecretStore()
    store.state = StoreState.SEALED
    assert store.health().is_ready is False


def test_calls_are_logged() -> None:
    store = FakeSecretStore()
    store.put("a", {"k": "v"})
    store.get("a")
    assert store.calls == [("put", "a"), ("get", "a")]
