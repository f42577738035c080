"""Pages over ten thousand machines and operations weigh at most 60 kB compressed."""

from __future__ import annotations

import gzip

from django.test import Client

from tests.architecture.test_queries import PAGES, rows
from tests.conftest import World

MANY, LIMIT_BYTES = 10_000, 60_000


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
