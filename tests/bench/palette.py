"""The palette's search beside a bare ILIKE over the same tenant."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import urlencode

from django.db import transaction

from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Deployment
from tests.bench.floors import rows_by_hand
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import MANY, BenchWorld

ILIKE = (
    "SELECT id, name FROM provisioning_deployment WHERE tenant_id = %s AND name ILIKE %s LIMIT 40"
)
FLOOR = "one ILIKE over the tenant"
_CALLS = 5


def operations_ensure(world: BenchWorld) -> None:
    """As many operations of the large tenant as it has deployments."""
    with tenant_scope(world.big.pk), transaction.atomic():
        if Operation.objects.count() >= MANY:
            return
        targets = Deployment.objects.values_list("pk", flat=True)
        rows = [
            Operation(
                id=uuid7(),
                tenant=world.big,
                queue="cloudpods",
                type="pod.stop",
                target_type="deployment",
                target_id=target,
            )
            for target in targets
        ]
        Operation.objects.bulk_create(rows, batch_size=1_000)


def _asked(world: BenchWorld, line: str) -> tuple[Act, Act]:
    operations_ensure(world)
    client = world.browser()
    query = urlencode({"q": line, "page": "/"})
    client._environ["HTTP_HX_REQUEST"] = "true"
    return (
        lambda: client.get("/palette", query),
        rows_by_hand(world, world.big, ILIKE, f"%{line[-4:]}%"),
    )


@measured("palette.open", beside=FLOOR, calls=_CALLS)
def opened(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Nothing is typed yet."""
    return _asked(world, "")


@measured("palette.name", beside=FLOOR, calls=_CALLS)
def name(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """A name that one machine has."""
    return _asked(world, "vm-4321")


@measured("palette.common", beside=FLOOR, calls=_CALLS)
def common(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Letters that every machine has."""
    return _asked(world, "vm")


@measured("palette.mistyped", beside=FLOOR, calls=_CALLS)
def mistyped(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """A name with two letters in the wrong order."""
    return _asked(world, "mv-4321")


@measured("palette.line", beside=FLOOR, calls=_CALLS)
def line(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """An action with its plan."""
    return _asked(world, "extend vm-4321 by 24 h")
