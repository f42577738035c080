"""Maintenance: nothing new is placed there, what would change something waits and costs no try."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Entry
from portal.kernel.authz import Actor
from portal.kernel.errors import InvalidInput, NotFound, Refused
from portal.kernel.queue import QUEUES
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from portal.services.drains import drain
from provisioning.models import Cluster, Deployment, Node
from provisioning.selectors.maintenance import maintenance_of
from provisioning.services.maintenance import cluster_maintenance_set, node_maintenance_set
from provisioning.services.observation import cluster_look
from tests.conftest import Cloud, World
from tests.engine import TestDesk, run_until_idle, wait_until
from tests.factories.provisioning import ClusterFactory
from tests.provisioning import scenes
from tests.provisioning.scenes import last_operation, reloaded

PLATFORM_ACTOR = Actor.system("test")


def node_set(name: str, *, begins: bool) -> Node:
    node = Node.objects.using("platform").get(name=name)
    return node_maintenance_set(
        actor=PLATFORM_ACTOR, node_id=node.pk, is_in_maintenance=begins, reason="New fans"
    )


def cluster_set(cluster: Cluster, *, begins: bool) -> None:
    cluster_maintenance_set(
        actor=PLATFORM_ACTOR, cluster_id=cluster.pk, is_in_maintenance=begins, reason="Upgrade"
    )


def parked(deployment: Deployment, words: str) -> bool:
    """Whether the operation says that it waits; works a little first."""
    for queue in QUEUES:
        drain(queue, desk=TestDesk())
    return any(words in step.get("detail", "") for step in last_operation(deployment).steps)


def test_a_node_in_maintenance_gets_no_new_machine(cloud: Cloud) -> None:
    cluster_look(cloud.cluster)
    node_set("pve1", begins=True)
    row = scenes.requested(cloud)
    assert row.node == "pve3"
    assert row.placement is not None
    refused = [one for one in row.placement["candidates"] if one["node"] == "pve1"]
    assert [reason["message"] for reason in refused[0]["reasons"]] == [
        "Node pve1 is in maintenance: New fans"
    ]


@pytest.mark.parametrize("where", ["node", "cluster"])
def test_an_operation_waits_for_the_end_of_maintenance_and_loses_no_try(
    cloud: Cloud, where: str
) -> None:
    deployment = scenes.running(cloud)
    node_set("pve1", begins=True) if where == "node" else cluster_set(cloud.cluster, begins=True)
    position = cloud.simulator.log_position()
    scenes.acted(cloud, deployment, "stop", mode="force")
    wait_until(lambda: parked(deployment, "waits for the maintenance"))
    operation = last_operation(deployment)
    assert (operation.status, operation.attempts) == ("pending", 1)
    assert cloud.simulator.mutations(position) == []
    node_set("pve1", begins=False) if where == "node" else cluster_set(cloud.cluster, begins=False)
    run_until_idle()
    assert reloaded(deployment).status == "stopped"


def test_the_question_leases_ask(cloud: Cloud) -> None:
    deployment = scenes.requested(cloud)
    with tenant_scope(deployment.tenant_id):
        assert maintenance_of(reloaded(deployment)) == ""
    node_set("pve1", begins=True)
    with tenant_scope(deployment.tenant_id):
        assert maintenance_of(reloaded(deployment)) == (
            "waits for the maintenance of its node to end: New fans"
        )


def test_maintenance_is_on_record_once(world: World) -> None:
    ClusterFactory()
    node_set("pve1", begins=True)
    node_set("pve1", begins=True)
    node_set("pve1", begins=False)
    rows = Entry.objects.using("platform").filter(tag__startswith="infrastructure.")
    assert [(row.tag, row.after) for row in rows.order_by("created_at")] == [
        ("infrastructure.maintenance_set", {"is_in_maintenance": True, "reason": "New fans"}),
        ("infrastructure.maintenance_cleared", {"is_in_maintenance": False, "reason": ""}),
    ]


@pytest.mark.parametrize("reason", ["", "  x ", "x" * 301])
def test_maintenance_wants_a_reason(world: World, reason: str) -> None:
    ClusterFactory()
    node = Node.objects.using("platform").get()
    with pytest.raises(InvalidInput) as fault:
        node_maintenance_set(
            actor=PLATFORM_ACTOR, node_id=node.pk, is_in_maintenance=True, reason=reason
        )
    assert [one.field for one in fault.value.faults] == ["reason"]


@pytest.mark.parametrize("role", ["admin", "ops", "support", "viewer"])
def test_no_role_of_an_organisation_takes_a_node_out_of_service(world: World, role: str) -> None:
    ClusterFactory()
    node = Node.objects.using("platform").get()
    with pytest.raises(Refused):
        node_maintenance_set(
            actor=world.actor(role), node_id=node.pk, is_in_maintenance=True, reason="New fans"
        )


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_node_is_absent(world: World, key: str) -> None:
    with pytest.raises(NotFound):
        node_maintenance_set(
            actor=PLATFORM_ACTOR, node_id=key, is_in_maintenance=True, reason="New fans"
        )


def signed_in(world: World, role: str, *, is_platform: bool = False) -> Client:
    user = world.people[role]
    if is_platform:
        User.objects.using("platform").filter(pk=user.pk).update(is_platform_admin=True)
    client = Client()
    client.force_login(User.objects.using("platform").get(pk=user.pk))
    return client


def patched(client: Client, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    answer = client.patch(path, data=body, content_type="application/json")
    return answer.status_code, answer.json()


def test_the_api_shows_room_and_switches_maintenance(world: World) -> None:
    cluster = ClusterFactory(code="paris")
    node = Node.objects.using("platform").get()
    client = signed_in(world, "admin", is_platform=True)
    for path in (f"nodes/{node.pk}", f"clusters/{cluster.pk}"):
        status, body = patched(
            client, f"/api/infrastructure/{path}", {"maintenance": True, "reason": "New fans"}
        )
        assert (status, body["is_in_maintenance"], body["maintenance_reason"]) == (
            200,
            True,
            "New fans",
        )
    (shown,) = client.get("/api/infrastructure").json()["results"]
    assert (shown["code"], shown["is_in_maintenance"]) == ("paris", True)
    (listed,) = shown["nodes"]
    assert (listed["name"], listed["cpu_capacity"], listed["memory_allocated_mb"]) == (
        "pve1",
        512,
        0,
    )
    assert [one["capacity_gb"] for one in shown["storages"]] == [102_400]


def test_the_api_names_the_field_at_fault(world: World) -> None:
    ClusterFactory()
    node = Node.objects.using("platform").get()
    client = signed_in(world, "admin", is_platform=True)
    status, body = patched(client, f"/api/infrastructure/nodes/{node.pk}", {"maintenance": True})
    assert status == 400
    assert [(one["attr"], one["code"]) for one in body["errors"]] == [("reason", "out_of_range")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("role", "status"), [("ops", 200), ("support", 403), ("viewer", 403)])
def test_who_sees_the_infrastructure(world: World, role: str, status: int) -> None:
    client = signed_in(world, role)
    assert client.get("/api/infrastructure").status_code == status
    assert client.get("/infrastructure").status_code == status


@pytest.mark.parametrize(("role", "node"), [("ops", "pve1"), ("support", None)])
def test_nodes_are_named_to_operators_alone(cloud: Cloud, role: str, node: str | None) -> None:
    deployment = scenes.requested(cloud)
    body = signed_in(cloud.world, role).get(f"/api/deployments/{deployment.pk}").json()
    placement = body["placement"]
    assert (placement["fits"], placement["node"], len(placement["candidates"])) == (
        True,
        node,
        0 if node is None else 1,
    )
    assert placement["reason"] == "test has the most room; 1 of 1 places fit."
