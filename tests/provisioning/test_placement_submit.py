"""Placement where it counts: sums over all organisations, submits at once, two clusters, the answer 409."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from billing.models import Quota
from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from provisioning.errors import NoCapacity
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import (
    Cluster,
    Deployment,
    GuestObservation,
    Node,
    Template,
    TemplateCopy,
)
from provisioning.services.creation import deployment_create
from provisioning.services.lifecycle import deployment_resize
from provisioning.services.plan import DeploymentPlan, deployment_plan
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, NodeFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.test_races import at_once


@pytest.fixture
def template(world: World) -> Template:
    """A template on a cluster of three nodes with 8 GiB each, and no limit of quota."""
    made: Template = TemplateFactory(code="small", memory_mb_default=2048, memory_mb_max=65_536)
    for name in ("pve2", "pve3"):
        NodeFactory(cluster=made.cluster, name=name)
    Node.objects.using("platform").update(memory_mb=8192)
    made.cluster.storages.using("platform").update(node_names=["pve1", "pve2", "pve3"])
    for tenant in (world.north, world.south):
        Quota.objects.using("platform").create(tenant=tenant)
    return made


def created(world: World, name: str, *, is_south: bool = False, **fields: Any) -> Deployment:
    actor = world.outsider() if is_south else world.actor()
    tenant = world.south if is_south else world.north
    assert actor.user_id is not None
    with tenant_scope(tenant.pk):
        deployment, _ = deployment_create(
            actor=actor,
            tenant_id=tenant.pk,
            owner_id=actor.user_id,
            request=DeploymentRequest(template="small", name=name, **fields),
        )
    return deployment


def planned(world: World) -> DeploymentPlan:
    with tenant_scope(world.north.pk):
        return deployment_plan(
            actor=world.actor(),
            tenant_id=world.north.pk,
            request=DeploymentRequest(template="small", name="asked"),
        )


def test_machines_are_spread_over_nodes(world: World, template: Template) -> None:
    nodes = [created(world, f"web-{number}").node for number in range(4)]
    assert nodes == ["pve1", "pve2", "pve3", "pve1"]


def test_twenty_creates_at_once_of_two_organisations_never_overshoot(
    world: World, template: Template
) -> None:
    results = at_once(20, lambda n: created(world, f"web-{n}", is_south=bool(n % 2)))
    assert results == {"ok": 12, "NoCapacity": 8}
    by_node = list(Deployment.across_tenants.values_list("node", flat=True))
    assert {name: by_node.count(name) for name in sorted(set(by_node))} == {
        "pve1": 4,
        "pve2": 4,
        "pve3": 4,
    }


def test_a_stranger_s_machine_takes_room_and_a_template_does_not(
    world: World, template: Template
) -> None:
    for vmid, node, is_template in ((100, "pve1", False), (9003, "pve2", True)):
        GuestObservation.objects.using("platform").create(
            cluster=template.cluster,
            vmid=vmid,
            node=node,
            power="stopped",
            cpu_cores=2,
            memory_mb=7000,
            is_template=is_template,
            observed_at=clock.now(),
        )
    by_node = {one.node: one for one in planned(world).placement.candidates}
    assert [reason.free for reason in by_node["pve1"].reasons] == [1192]
    assert by_node["pve2"].is_chosen


def test_the_plan_shows_what_the_submit_decides(world: World, template: Template) -> None:
    plan = planned(world)
    row = created(world, "asked")
    assert row.placement is not None
    assert (row.node, row.storage, row.source_node, row.source_vmid) == (
        plan.placement.node,
        "ceph-vm",
        "pve1",
        9003,
    )
    stored = {key: value for key, value in row.placement.items() if key != "decided_at"}
    assert stored == plan.placement.as_dict()


def test_nothing_fits_is_a_conflict_that_names_what_is_missing(
    world: World, template: Template
) -> None:
    Node.objects.using("platform").update(memory_mb=1024)
    assert planned(world).is_allowed is False
    with pytest.raises(NoCapacity) as refusal:
        created(world, "web-1")
    assert refusal.value.data["reasons"] == {"no_memory": 3}
    assert "3 lack memory (at most 1024 free)" in refusal.value.message
    assert not Deployment.across_tenants.exists()


def test_another_cluster_takes_over_when_the_first_cannot_be_listed(
    world: World, template: Template
) -> None:
    lyon = ClusterFactory(code="lyon")
    Node.objects.using("platform").filter(cluster=lyon).update(name="pve4")
    lyon.storages.using("platform").update(node_names=["pve4"])
    TemplateCopy.objects.using("platform").create(
        template=template, cluster=lyon, vmid=9103, node="pve4", storage="ceph-vm"
    )
    Cluster.objects.using("platform").filter(pk=template.cluster_id).update(last_error="refused")
    row = created(world, "web-1")
    assert (row.cluster.code, row.node, row.source_vmid) == ("lyon", "pve4", 9103)


def test_an_old_listing_places_nothing(world: World, template: Template) -> None:
    old = clock.now() - timedelta(seconds=301)
    Cluster.objects.using("platform").update(last_seen_at=old)
    with pytest.raises(NoCapacity) as refusal:
        created(world, "web-1")
    assert refusal.value.data["reasons"] == {"unreachable": 3}


def test_a_resize_never_overshoots_its_node(world: World, template: Template) -> None:
    row = paper.deployment(world, template, memory_mb=2048)
    Node.objects.using("platform").filter(name="pve1").update(memory_mb=3000)
    with tenant_scope(world.north.pk), pytest.raises(NoCapacity, match="room for 952 of 2048 MiB"):
        deployment_resize(actor=world.actor(), deployment_id=row.pk, memory_mb=4096)
