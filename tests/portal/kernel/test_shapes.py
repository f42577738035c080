from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rest_framework import serializers

from audit.api.serializers import EntryShape
from audit.models import Entry
from audit.services import trail
from portal.api.serializers import OperationSerializer, WorkerSerializer
from portal.kernel.api.renderers import JsonRenderer
from portal.kernel.api.shapes import reads, shape_of
from portal.kernel.context import RequestContext, request_context
from portal.kernel.database.rows import json_rows
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.selectors.workers import worker_list
from provisioning.api.serializers import DeploymentSerializer
from provisioning.models import Deployment
from provisioning.tags import Tag
from tests.conftest import World
from tests.factories.provisioning import TemplateFactory
from tests.provisioning import paper

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
_whole = st.integers(-(2**53), 2**53)
_json = st.recursive(
    st.none() | st.booleans() | _whole | st.floats(-1e9, 1e9, width=32) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_time = st.datetimes(
    datetime(1999, 1, 1),  # noqa: DTZ001 - bounds have no zone there
    datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
_attention = st.none() | st.fixed_dictionaries({"code": _text, "message": _text, "command": _text})
_reason = st.fixed_dictionaries(
    {"code": _text, "message": _text, "free": st.none() | _whole, "needed": st.none() | _whole}
)
_candidate = st.fixed_dictionaries(
    {
        "cluster": _text,
        "node": _text,
        "storage": _text,
        "source_node": _text,
        "source_vmid": _whole,
        "score": st.none() | st.floats(0, 1, width=32),
        "is_chosen": st.booleans(),
        "reasons": st.lists(_reason, max_size=2),
    }
)
_placement = st.fixed_dictionaries(
    {
        "fits": st.booleans(),
        "cluster": _text,
        "node": st.none() | _text,
        "storage": st.none() | _text,
        "reason": _text,
        "candidates": st.lists(_candidate, max_size=2),
    }
)
_values = st.fixed_dictionaries(
    {
        "placement": st.none() | _placement,
        "attention": _attention,
        "parameters": st.dictionaries(_text, _json, max_size=4),
        "tags": st.lists(_text, max_size=4),
        "ip_addresses": st.lists(_text, max_size=2),
        "hold": st.booleans(),
        "price_hour": st.decimals(0, 999_999, places=6),
        "expires_at": _time,
        "ready_at": st.none() | _time,
        "hostname": _text,
        "vmid": st.integers(100, 999_999_999),
    }
)


def json_of(data: Any) -> Any:
    return orjson.loads(JsonRenderer().render(data))


def both(serializer: type[serializers.Serializer[Any]], rows: Any) -> tuple[Any, Any]:
    """A list as it is shown without objects, and with them."""
    shape = shape_of(serializer, rows)
    assert shape is not None
    with timezone.override(UTC):
        usual = json_of(serializer(list(rows), many=True).data)
        return json_of(shape.shown(json_rows(rows, shape.columns))), usual


@examples(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values=_values)
def test_a_deployment_without_its_object_looks_the_same(
    world: World, values: dict[str, Any]
) -> None:
    with tenant_scope(world.north.pk), transaction.atomic():
        if not Deployment.objects.exists():
            paper.deployment(world, TemplateFactory())
        Deployment.objects.update(**values)
        for role in ("admin", "viewer"):
            with request_context(RequestContext(actor=world.actor(role))):
                quick, usual = both(DeploymentSerializer, Deployment.objects.order_by("pk"))
            assert quick == usual


@pytest.mark.parametrize("role", ["ops", "viewer"])
def test_operations_without_their_objects_look_the_same_to_everyone(
    world: World, role: str
) -> None:
    steps = [
        {
            "name": "clone",
            "label": "Clone",
            "status": "running",
            "started_at": "2026-01-01T00:00:00Z",
            "finished_at": None,
            "detail": "é",
            "percent": 40,
            "extra": 1,
        }
    ]
    with tenant_scope(world.north.pk), transaction.atomic():
        for number in range(3):
            Operation.objects.create(
                tenant=world.north, queue="vm", type=f"deployment.{number}", steps=steps * number
            )
    here = RequestContext(actor=world.actor(role))
    with tenant_scope(world.north.pk), transaction.atomic(), request_context(here):
        quick, usual = both(OperationSerializer, Operation.objects.order_by("pk"))
    assert quick == usual
    assert ("payload" in quick[0]) is (role == "ops")


def test_audit_entries_without_their_objects_look_the_same(world: World) -> None:
    with tenant_scope(world.north.pk), transaction.atomic():
        trail.record(
            tag=Tag.STARTED,
            target=paper.deployment(world, TemplateFactory()),
            before={"status": "stopped", "figures": [1, 2.5, None]},
            after={"status": "running"},
        )
        quick, usual = both(EntryShape, Entry.objects.order_by("pk"))
    assert quick == usual
    assert quick[-1]["before"] == {"status": "stopped", "figures": [1, 2.5, None]}


def test_annotations_are_columns_as_well(world: World) -> None:
    assert shape_of(WorkerSerializer, worker_list(actor=world.actor("ops"))) is not None


class _Priced(serializers.ModelSerializer[Deployment]):
    dear = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = ("id", "dear")

    @reads("price_hour", "expires_at", "tags")
    def get_dear(self, deployment: Deployment) -> list[Any]:
        day = deployment.price_hour * Decimal(24)
        return [day, deployment.expires_at + timedelta(days=1), deployment.tags[:1]]


def test_a_computed_field_gets_the_columns_it_reads(world: World) -> None:
    with tenant_scope(world.north.pk), transaction.atomic():
        paper.deployment(world, TemplateFactory(), tags=["a", "b"])
        quick, usual = both(_Priced, Deployment.objects.all())
    assert quick == usual


class _Secretive(_Priced):
    def get_dear(self, deployment: Deployment) -> list[Any]:
        return [deployment.is_busy]


class _Wordy(_Priced):
    def to_representation(self, instance: Deployment) -> dict[str, Any]:
        return {"name": instance.name}


@pytest.mark.parametrize("serializer", [_Secretive, _Wordy])
def test_what_needs_the_object_is_not_compiled(serializer: type[Any]) -> None:
    assert shape_of(serializer, Deployment.objects.all()) is None


def test_a_list_is_no_queryset() -> None:
    assert shape_of(DeploymentSerializer, []) is None
