"""Names, pure: what lies in what, which address counts, and what is ours at a name server."""

from __future__ import annotations

from uuid import UUID

import pytest

from integrations.powerdns.interface import RecordSet
from provisioning.logic.names import (
    Judgement,
    Wanted,
    address_read,
    addresses_chosen,
    ancestors,
    is_reverse,
    judge,
    mark_build,
    mark_read,
    reverse_name,
)

ONE, TWO = UUID(int=1), UUID(int=2)
WANTED = Wanted(ONE, TWO, "web.demo.test", "A", "10.0.0.7", 60)


def test_a_name_lies_in_all_that_ends_it() -> None:
    assert ancestors("a.b.test") == ("a.b.test", "b.test", "test")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("10.in-addr.arpa", True), ("8.b.d.0.1.0.0.2.ip6.arpa", True), ("arpa.test", False)],
)
def test_zones_of_addresses_are_known(zone: str, expected: bool) -> None:
    assert is_reverse(zone) is expected


def test_an_address_has_a_name_of_its_own() -> None:
    assert reverse_name("10.0.0.7") == "7.0.0.10.in-addr.arpa"


@pytest.mark.parametrize(
    "text",
    [
        *("", "web", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1", "255.255.255.255"),
        *("::1", "fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:10.0.0.1", "10.0.0.1/24"),
    ],
)
def test_what_leads_nowhere_is_no_address(text: str) -> None:
    assert address_read(text) is None


def test_the_address_that_is_kept_stays_while_the_machine_has_it() -> None:
    found = addresses_chosen(["10.0.0.7", "10.0.0.8"], {"A": "10.0.0.8"})
    assert found == {"A": "10.0.0.8"}


def test_another_takes_the_place_of_one_that_is_gone() -> None:
    assert addresses_chosen(["10.0.0.7"], {"A": "10.0.0.8"}) == {"A": "10.0.0.7"}


def test_a_mark_is_read_as_it_was_built() -> None:
    assert mark_read([mark_build(ONE, TWO)]) == (ONE, TWO)


@pytest.mark.parametrize(
    "marks",
    [
        [],
        ["mine"],
        [mark_build(ONE, TWO) + " more"],
        [mark_build(ONE, TWO), mark_build(TWO, ONE)],
        ["uhub deployment=------------------------------------ record=" + str(ONE)],
    ],
)
def test_what_is_not_exactly_our_mark_is_none(marks: list[str]) -> None:
    assert mark_read(marks) is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, Judgement.ABSENT),
        (WANTED.as_set(), Judgement.RIGHT),
        (RecordSet("web.demo.test", "A", 60, ("10.0.0.8",), (WANTED.mark,)), Judgement.DIFFERENT),
        (RecordSet("web.demo.test", "A", 90, ("10.0.0.7",), (WANTED.mark,)), Judgement.DIFFERENT),
        (RecordSet("web.demo.test", "A", 60, ("10.0.0.7",), ()), Judgement.FOREIGN),
        (RecordSet("web.demo.test", "A", 60, (), ()), Judgement.FOREIGN),
        (
            RecordSet("web.demo.test", "A", 60, ("10.0.0.7",), (mark_build(TWO, ONE),)),
            Judgement.FOREIGN,
        ),
    ],
)
def test_only_our_own_mark_makes_a_record_ours(
    found: RecordSet | None, expected: Judgement
) -> None:
    assert judge(WANTED, found) is expected
