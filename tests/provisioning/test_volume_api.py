"""Volumes over HTTP: what is asked, what is refused and why, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from billing.models import Quota, QuotaReservation
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Deployment, Template, Volume
from provisioning.services import volumes
from provisioning.services.ledgers import quota_gaps
from tests.calls import witnessed
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory, VolumeFactory
from tests.provisioning import paper
from tests.provisioning.test_lease_api import api
from tests.provisioning.test_races import at_once


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


@pytest.fixture
def machine(world: World, template: Template) -> Deployment:
    """A machine of the support agent, on a storage that all nodes reach."""
    return paper.deployment(world, template, name="web-1", guest_uuid="known")


def made(machine: Deployment, **fields: Any) -> Volume:
    with tenant_scope(machine.tenant_id), transaction.atomic():
        row: Volume = VolumeFactory(deployment=machine, **{"name": "data-1"} | fields)
    return row


def written() -> tuple[list[dict[str, Any]], int, int]:
    """All that a request for a volume may write."""
    rows = list(Volume.across_tenants.order_by("pk").values())
    held = QuotaReservation.across_tenants.filter(released_at=None).count()
    return rows, Operation.across_tenants.count(), held


def codes(answer: tuple[int, Any]) -> tuple[int, list[tuple[str | None, str]]]:
    status, body = answer
    return status, [(error["attr"], error["code"]) for error in body["errors"]]


def test_creation_is_accepted_with_its_operation(world: World, machine: Deployment) -> None:
    body = {"name": "data-1", "size_gb": 20}
    status, told = api(world, "support", "post", f"deployments/{machine.pk}/volumes", body)
    assert (status, told["status"], told["size_gb"], told["deployment_id"]) == (
        202,
        "creating",
        20,
        str(machine.pk),
    )
    operation = Operation.across_tenants.get(pk=told["operation"]["id"])
    assert (operation.type, operation.target_id) == (
        "volume.create",
        Volume.across_tenants.get().pk,
    )


def test_routes_of_the_seed_show_the_same_objects(world: World, machine: Deployment) -> None:
    row = made(machine)
    for base in ("deployments", "cloud-pods"):
        status, told = api(world, "viewer", "get", f"{base}/{machine.pk}/volumes")
        assert (status, [one["id"] for one in told["results"]]) == (200, [str(row.pk)])
    assert api(world, "viewer", "get", f"volumes/{row.pk}")[1]["name"] == "data-1"


def test_plan_shows_price_and_quota_and_writes_nothing(world: World, machine: Deployment) -> None:
    before = written()
    path = f"deployments/{machine.pk}/volumes?dry_run=true"
    status, plan = api(world, "support", "post", path, {"name": "data-1", "size_gb": 100})
    disk = next(one for one in plan["quota"] if one["dimension"] == "disk_gb")
    assert (status, plan["is_allowed"], disk["used"], disk["after"]) == (200, True, 20, 120)
    assert float(plan["cost"]["per_hour"]) == float(machine.template.rates.disk_gb) * 100
    assert written() == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "No Name", "size_gb": 5}, [("name", "invalid")]),
        ({"name": "data-1", "size_gb": 9_999}, [("size_gb", "out_of_range")]),
        ({"name": "taken", "size_gb": 5}, [("name", "unique")]),
        ({"name": "data-1"}, [("size_gb", "required")]),
        ({"name": "data-1", "size_gb": "many"}, [("size_gb", "invalid")]),
    ],
)
def test_bad_requests_name_the_field_and_write_nothing(
    world: World, machine: Deployment, body: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    made(machine, name="taken")
    before = written()
    answer = api(world, "support", "post", f"deployments/{machine.pk}/volumes", body)
    assert codes(answer) == (400, expected)
    assert written() == before


def test_shrinking_names_the_field_and_the_limit(world: World, machine: Deployment) -> None:
    row = made(machine, size_gb=20)
    answer = api(world, "support", "post", f"volumes/{row.pk}/resize", {"size_gb": 19})
    assert codes(answer) == (400, [("size_gb", "only_grows")])
    assert "20 GiB" in answer[1]["errors"][0]["detail"]


def test_a_machine_has_only_so_many_volumes(world: World, machine: Deployment) -> None:
    for number in range(8):
        made(machine, name=f"data-{number}", slot=f"scsi{number + 1}")
    body = {"name": "one-more", "size_gb": 5}
    answer = api(world, "support", "post", f"deployments/{machine.pk}/volumes", body)
    assert codes(answer) == (400, [("deployment", "too_many_volumes")])


def test_a_machine_on_another_cluster_does_not_reach_the_disk(
    world: World, machine: Deployment
) -> None:
    row = made(machine, status="detached", slot="")
    other = paper.deployment(
        world, TemplateFactory(cluster=ClusterFactory()), name="far-1", guest_uuid="known"
    )
    body = {"deployment_id": str(other.pk)}
    answer = api(world, "support", "post", f"volumes/{row.pk}/attach", body)
    assert codes(answer) == (409, [(None, "volume_unreachable")])
    assert "web-1" in answer[1]["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("viewer", "post", "volumes/{id}/detach", 403),
        ("dev", "delete", "volumes/{id}", 403),
        ("stranger", "get", "volumes/{id}", 404),
        ("stranger", "post", "volumes/{id}/detach", 404),
        ("stranger", "delete", "volumes/{id}", 404),
        ("stranger", "get", "cloud-pods/{machine}/volumes", 404),
        ("stranger", "post", "deployments/{machine}/volumes/{id}/attach", 404),
    ],
)
def test_others_are_refused_and_nothing_changes(
    world: World, machine: Deployment, role: str, method: str, path: str, status: int
) -> None:
    row = made(machine)
    before = written()
    with witnessed() as witness:
        answer = api(world, role, method, path.format(id=row.pk, machine=machine.pk))
    assert (answer[0], witness.calls, written()) == (status, [], before)


def test_a_colleague_needs_to_manage_all(world: World, template: Template) -> None:
    row = made(paper.deployment(world, template, role="ops", name="web-9", guest_uuid="known"))
    assert api(world, "support", "post", f"volumes/{row.pk}/detach")[0] == 403
    assert api(world, "admin", "post", f"volumes/{row.pk}/detach")[0] == 202


def test_one_of_two_attaches_at_once_wins(world: World, machine: Deployment) -> None:
    row = made(machine, status="detached", slot="")
    act = _act(world, row)
    assert at_once(2, act) == {"ok": 1, "VolumeBusy": 1}
    assert Operation.across_tenants.filter(type="volume.attach").count() == 1


def test_ten_creates_on_room_for_five_give_five(world: World, machine: Deployment) -> None:
    Quota.objects.using("platform").create(
        tenant=world.north, deployments=None, cpu_cores=None, memory_mb=None, disk_gb=20 + 50
    )

    def act(number: int) -> None:
        with tenant_scope(world.north.pk):
            volumes.volume_create(
                actor=world.actor("ops"),
                deployment_id=machine.pk,
                name=f"data-{number}",
                size_gb=10,
            )

    assert at_once(10, act) == {"ok": 5, "QuotaExceeded": 5}
    assert quota_gaps() == []


def _act(world: World, row: Volume) -> Any:
    def act(_number: int) -> None:
        with tenant_scope(world.north.pk):
            volumes.volume_attach(actor=world.actor("ops"), volume_id=row.pk)

    return act
