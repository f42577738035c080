"""Pages over ten thousand machines and operations weigh at most 60 kB compressed.

Over a thousand they do so wherever their questions are counted.
"""

from __future__ import annotations

import gzip

import pytest
from django.test import Client

from tests.architecture.test_queries import LIMIT_BYTES, PAGES, rows
from tests.conftest import World

MANY = 10_000


@pytest.mark.soak
def test_pages_over_ten_thousand_rows_stay_light(world: World) -> None:
    ids = rows(world, MANY)
    client = Client()
    client.force_login(world.people["admin"])
    found = {}
    for path in PAGES:
        answer = client.get(path.format(**ids))
        assert answer.status_code == 200
        found[path] = len(gzip.compress(answer.content))
    assert {path: size for path, size in found.items() if size > LIMIT_BYTES} == {}
