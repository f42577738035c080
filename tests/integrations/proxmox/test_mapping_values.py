from __future__ import annotations

import pytest

from integrations.proxmox import mapping


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("1G", 2**30),
        ("4M", 4 * 2**20),
        ("528K", 528 * 2**10),
        ("1.5T", 3 * 2**39),
        ("512", 512),
        ("x", None),
        ("-1G", None),
        (None, None),
    ],
)
def test_sizes(size: object, expected: int | None) -> None:
    assert mapping.size_bytes(size) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100", 100),
        (100, 100),
        (99.9, 99),
        ("x", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 400, None),
        ([1], None),
    ],
)
def test_integers(value: object, expected: int | None) -> None:
    assert mapping.integer(value) == expected
