from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.request import Request

from portal.kernel.api.pagination import CursorPage
from portal.kernel.api.shapes import shape_of
from portal.kernel.database.rows import json_rows
from portal.kernel.tenancy import tenant_scope
from provisioning.api.serializers import DeploymentSerializer
from provisioning.models import Deployment
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TIMES = (None, NOON, None, NOON, NOON.replace(hour=13), None, NOON)


@pytest.fixture
def some(world: World) -> World:
    template = TemplateFactory(cluster=ClusterFactory())
    with tenant_scope(world.north.pk), transaction.atomic():
        for number, moment in enumerate(TIMES):
            DeploymentFactory(
                tenant=world.north,
                owner=world.people["dev"],
                template=template,
                ready_at=moment,
                status="running" if number % 2 else "stopped",
            )
    return world


def page(query: str, ordering: str) -> tuple[list[str], dict[str, Any]]:
    view: Any = SimpleNamespace(default_ordering=(ordering, "id"))
    request = Request(RequestFactory().get(f"/?{query}"))
    pages, rows = CursorPage(), Deployment.objects.all()
    shape = shape_of(DeploymentSerializer, rows)
    assert shape is not None
    found = pages.paginate_shape(rows, request, view, shape)
    return [row["id"] for row in found], pages.get_paginated_response(found).data


def walk(query: str, ordering: str, way: str) -> tuple[list[list[str]], str]:
    """All pages from here on, and the query of the last."""
    pages = []
    while True:
        ids, body = page(query, ordering)
        pages.append(ids)
        if body[way] is None:
            return pages, query
        query = urlsplit(body[way]).query


def test_pages_there_and_back_are_the_list(some: World) -> None:
    for ordering in ("ready_at", "-ready_at", "status", "-status", "-created_at"):
        sign = "-" if ordering.startswith("-") else ""
        with tenant_scope(some.north.pk), transaction.atomic():
            whole = Deployment.objects.order_by(ordering, f"{sign}id").values_list("pk", flat=True)
            wanted = [str(pk) for pk in whole]
            for size in (1, 2, 3, 7):
                there, last = walk(f"limit={size}", ordering, "next")
                back, _ = walk(last, ordering, "previous")
                assert [one for ids in there for one in ids] == wanted, (ordering, size)
                assert [one for ids in reversed(back) for one in ids] == wanted, (ordering, size)


def test_a_row_that_is_inserted_moves_no_page(some: World) -> None:
    with tenant_scope(some.north.pk), transaction.atomic():
        first, body = page("limit=3", "-created_at")
        DeploymentFactory(
            tenant=some.north,
            owner=some.people["dev"],
            template=TemplateFactory(cluster=ClusterFactory()),
        )
        second, _ = page(urlsplit(body["next"]).query, "-created_at")
        whole = [str(row.pk) for row in Deployment.objects.order_by("-created_at", "-id")]
    assert first + second == whole[1:7]


def chosen(rows: QuerySet[Deployment]) -> list[QuerySet[Deployment]]:
    return [
        rows,
        rows.filter(status="running"),
        rows.filter(template__name__icontains="TEMPLATE", owner__username="dev-north"),
        rows.filter(pk__in=[]),
        rows.exclude(ready_at__isnull=True),
        rows.distinct(),
        rows[1:4],
    ]


def test_kept_frames_find_what_the_compiler_finds(some: World) -> None:
    columns = ("id", "template__code", "name")
    with tenant_scope(some.north.pk), transaction.atomic():
        for _ in range(2):
            for rows in chosen(Deployment.objects.order_by("name", "id")):
                usual = [(str(pk), code, name) for pk, code, name in rows.values_list(*columns)]
                assert json_rows(rows, columns) == usual
