from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.vault import mapping
from integrations.vault.errors import InvalidSecret, MalformedSecret
from integrations.vault.interface import SecretReference, StoreState


def test_reference_names_path_and_key() -> None:
    assert mapping.reference_parse("vault:clusters/demo#token") == SecretReference(
        path="clusters/demo", key="token"
    )


def test_reference_is_written_as_it_is_read() -> None:
    text = "vault:tenants/0192f0c1/vm/1#password"
    assert str(mapping.reference_parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clusters/demo#token",
        "vault:#token",
        "vault:clusters/demo",
        "vault:clusters/demo#",
        "vault:clusters//demo#token",
        "vault:../demo#token",
        "vault:a#b#c",
        "vault:a#b c",
        " vault:a#b",
        "vault:a#b\n",
        "kv:a#b",
    ],
)
def test_text_that_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidSecret):
        mapping.reference_parse(text)


@pytest.mark.parametrize("key", ["", "a b", "a#b", "x" * 65])
def test_reference_to_an_impossible_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidSecret):
        mapping.reference_build("a", key)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = mapping.reference_parse(text)
    except InvalidSecret:
        return
    assert str(reference) == text


@pytest.mark.parametrize(
    ("status", "state", "is_ready"),
    [
        (200, StoreState.READY, True),
        (429, StoreState.STANDBY, True),
        (473, StoreState.STANDBY, True),
        (501, StoreState.UNINITIALISED, False),
        (503, StoreState.SEALED, False),
        (418, StoreState.UNREACHABLE, False),
    ],
)
def test_health_status(status: int, state: StoreState, is_ready: bool) -> None:
    health = mapping.health(status)
    assert (health.state, health.is_ready) == (state, is_ready)


@pytest.mark.parametrize(
    "parse", [mapping.written_version, mapping.content, mapping.names], ids=lambda f: f.__name__
)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "x",
        {},
        {"data": None},
        {"data": {}},
        {"data": {"data": 1, "keys": 1, "version": "x"}},
        {"data": {"data": {"a": 1}, "keys": [1], "version": True}},
    ],
)
def test_answer_that_cannot_be_understood_is_refused(parse: Any, answer: object) -> None:
    with pytest.raises(MalformedSecret):
        parse(answer)
