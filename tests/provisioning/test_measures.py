from __future__ import annotations

from collections import Counter
from datetime import timedelta

import orjson
import pytest
from django.db import connections, transaction

from billing.models import Quota
from integrations.services import hypervisors
from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.tenancy import PLATFORM_TENANT_ID, tenant_scope
from provisioning.logic.measures import METRICS, RANGES, floor
from provisioning.models import Deployment, MetricSample, Node
from provisioning.services import observation
from provisioning.services.clusters import cluster_connection
from tests.api.conftest import caller_of
from tests.conftest import Cloud, World
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory
from tests.provisioning.figures_scenes import measured, reading
from tests.provisioning.scenes import running
from tests.provisioning.twin import Twin


def machine(world: World) -> Deployment:
    with tenant_scope(world.north.pk), transaction.atomic():
        template = TemplateFactory(cluster=ClusterFactory())
        return DeploymentFactory(  # type: ignore[no-any-return]
            tenant=world.north, owner=world.people["support"], template=template, status="running"
        )


def test_one_listing_measures_all_machines_and_nodes(cloud: Cloud) -> None:
    first, second = running(cloud, "web-1"), running(cloud, "web-2")
    before = cloud.simulator.log_position()

    observation.cluster_look(cloud.cluster)

    asked = [one["path"] for one in cloud.simulator.log(before)]
    assert [path.endswith("/cluster/resources") for path in asked].count(True) == 1
    assert not any("rrddata" in path for path in asked)
    subjects = set(MetricSample.across_tenants.values_list("subject_id", flat=True))
    nodes = Node.objects.using("platform").filter(cluster=cloud.cluster, state="online")
    assert subjects == {first.pk, second.pk, *nodes.values_list("pk", flat=True)}
    row = MetricSample.across_tenants.get(subject_id=first.pk)
    assert row.tenant_id == cloud.world.north.pk
    assert row.cpu is not None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("most", [200, pytest.param(5_000, marks=pytest.mark.soak)])
def test_all_machines_of_a_cluster_are_measured_by_one_listing(world: World, most: int) -> None:
    Quota.objects.using("platform").update_or_create(tenant=world.north)
    twin = Twin(world)
    hypervisors._clients[cluster_connection(twin.cluster)] = twin.fake
    machines = {twin.deployment(f"web-{number}").pk for number in range(most)}
    twin.fake.calls.clear()

    observation.cluster_look(twin.cluster)

    asked = Counter(call.method for call in twin.fake.calls)
    assert (asked["hosts"], asked["listing"]) == (1, 1)
    # Reconciliation looks closer at a few; nothing is measured by a call of its own.
    assert asked.total() - asked["guest_config"] == 2
    assert asked["guest_config"] < 5
    measured_now = MetricSample.across_tenants.filter(subject_id__in=machines)
    assert measured_now.count() == most


def test_a_second_listing_within_the_interval_measures_nothing(cloud: Cloud) -> None:
    observation.cluster_look(cloud.cluster)
    count = MetricSample.across_tenants.count()
    observation.cluster_look(cloud.cluster)
    assert MetricSample.across_tenants.count() == count > 0


@pytest.mark.parametrize("over", RANGES, ids=lambda one: one.code)
def test_a_range_has_its_number_of_points(world: World, over: object) -> None:
    deployment = machine(world)
    ask = caller_of(world.people["support"])

    answer = ask("get", f"deployments/{deployment.pk}/metrics?range={over.code}")  # type: ignore[attr-defined]

    body = orjson.loads(answer.content)
    assert answer.status_code == 200
    assert len(body["times"]) == over.points  # type: ignore[attr-defined]
    assert [one["metric"] for one in body["series"]] == list(METRICS)
    assert all(one["values"] == [None] * over.points for one in body["series"])  # type: ignore[attr-defined]
    assert body["current"] is None


def test_a_gap_is_null_and_the_rest_is_what_was_measured(world: World) -> None:
    deployment = machine(world)
    now = floor(clock.now(), 60)
    for back, cpu in ((5, 10.0), (4, 20.0), (2, 40.0)):
        reading(deployment, now - timedelta(minutes=back), cpu=cpu)
    ask = caller_of(world.people["support"])

    answer = ask("get", f"deployments/{deployment.pk}/metrics?metric=cpu")
    body = orjson.loads(answer.content)

    at = dict(zip(body["times"], body["series"][0]["values"], strict=True))
    shown = [at.get(int((now - timedelta(minutes=back)).timestamp())) for back in (5, 4, 3, 2)]
    assert shown == [10.0, 20.0, None, 40.0]
    assert body["current"]["cpu"] == 40.0


def test_an_unknown_range_or_metric_says_which_there_are(world: World) -> None:
    deployment = machine(world)
    ask = caller_of(world.people["support"])
    for query in ("range=1y", "metric=temperature"):
        answer = ask("get", f"deployments/{deployment.pk}/metrics?{query}")
        assert answer.status_code == 400
        assert orjson.loads(answer.content)["errors"][0]["attr"] == query.split("=")[0]


def test_figures_of_others_are_absent(world: World) -> None:
    deployment = machine(world)
    reading(deployment, clock.now(), cpu=10.0)
    ask = caller_of(world.stranger)
    assert ask("get", f"deployments/{deployment.pk}/metrics").status_code == 404
    with tenant_scope(world.south.pk), transaction.atomic():
        assert MetricSample.objects.filter(subject_id=deployment.pk).count() == 0


def test_a_partition_cannot_be_reached_by_its_name(world: World) -> None:
    reading(machine(world), clock.now(), cpu=10.0)
    partition = f"provisioning_metricsample_{clock.now():%Y%m%d}"
    for alias in ("default", "platform", "dispatch"):
        with (
            connections[alias].cursor() as cursor,
            pytest.raises(Exception, match="permission denied"),
        ):
            cursor.execute(f"SELECT count(*) FROM {partition}")


def test_nodes_are_for_who_sees_the_infrastructure(world: World) -> None:
    node = Node.objects.using("platform").filter(cluster=ClusterFactory()).get()
    measured(node, minutes=20)
    answer = caller_of(world.people["ops"])(
        "get", f"infrastructure/nodes/{node.pk}/metrics?metric=memory"
    )
    body = orjson.loads(answer.content)
    assert any(value is not None for value in body["series"][0]["values"])
    refused = caller_of(world.people["viewer"])("get", f"infrastructure/nodes/{node.pk}/metrics")
    assert refused.status_code == 403
    absent = caller_of(world.people["ops"])("get", f"infrastructure/nodes/{uuid7()}/metrics")
    assert absent.status_code == 404
    assert MetricSample.across_tenants.filter(tenant_id=PLATFORM_TENANT_ID).exists()
