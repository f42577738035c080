"""Figures for Prometheus: who may look, what is in them, and that dashboards and alerts name nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest
import yaml
from django.core.cache import cache
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from portal.kernel.tallies import TALLIES
from portal.kernel.tenancy import tenant_scope
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory
from tests.portal.health.scenes import alive

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
_NAME = re.compile(r"\buhub_[a-z0-9_]+")
Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    TALLIES.taken()
    cache.clear()
    yield
    TALLIES.taken()


@pytest.fixture
def busy(world: World) -> World:
    alive()
    template = TemplateFactory(cluster=ClusterFactory(code="main"))
    with tenant_scope(world.north.pk), transaction.atomic():
        for status in ("running", "running", "error"):
            DeploymentFactory(
                tenant=world.north,
                owner=world.people["ops"],
                template=template,
                name=f"{status}-{DeploymentFactory._meta.model.objects.count()}",
                status=status,
            )
    TALLIES.count("operations_ended", type="pod.start", queue="cloudpods", outcome="completed")
    TALLIES.count("leases_lost", queue="cloudpods")
    TALLIES.count("leases_expired", queue="cloudpods")
    for seconds in (0.02, 0.02, 400.0):
        TALLIES.observe("step_seconds", seconds, type="pod.start")
    return world


def scraped(client: Client) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    found: Samples = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_figures_are_those_of_the_database(busy: World, client: Client) -> None:
    found = scraped(client)

    assert found["uhub_deployments"][(("status", "running"),)] == 2
    assert found["uhub_deployments"][(("status", "error"),)] == 1
    assert found["uhub_deployments"][(("status", "stopped"),)] == 0
    assert found["uhub_deployments_created_total"][()] == 3
    assert found["uhub_tenants"][()] == 2
    assert found["uhub_workers"][(("status", "online"),)] == 1
    assert found["uhub_queue_due"][(("queue", "backups"),)] == 0
    assert found["uhub_cluster_reachable"][(("cluster", "main"),)] in {0.0, 1.0}


def test_totals_of_processes_add_up_over_scrapes(busy: World, client: Client) -> None:
    key = (("outcome", "completed"), ("queue", "cloudpods"), ("type", "pod.start"))
    first = scraped(client)["uhub_operations_ended_total"][key]
    TALLIES.count("operations_ended", type="pod.start", queue="cloudpods", outcome="completed")
    second = scraped(client)["uhub_operations_ended_total"][key]

    assert (first, second) == (1, 2)


def test_histograms_rise_and_end_with_all(busy: World, client: Client) -> None:
    found = scraped(client)
    buckets = {
        float(dict(labels)["le"]): value
        for labels, value in found["uhub_step_duration_seconds_bucket"].items()
    }

    assert [buckets[bound] for bound in (0.01, 0.05, 300, inf)] == [0, 2, 2, 3]
    assert found["uhub_step_duration_seconds_count"][(("type", "pod.start"),)] == 3
    assert found["uhub_step_duration_seconds_sum"][(("type", "pod.start"),)] == 400.04


def test_requests_are_counted_by_route_never_by_address(busy: World, client: Client) -> None:
    client.get("/api/deployments/0194f000-0000-7000-8000-000000000000")
    client.get("/no/such/address/at/all")
    found = scraped(client)
    routes = {dict(labels)["route"] for labels in found["uhub_http_requests_total"]}

    assert not any("0194f000" in route or "such" in route for route in routes)
    assert "none" in routes


def test_no_label_names_an_organisation_or_a_person(busy: World, client: Client) -> None:
    text = client.get("/metrics").content.decode()

    assert "north" not in text.lower()
    assert not re.search(r"(tenant|user)\w*=", text)


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.0.0.9", {}, 403),
        ("10.0.0.9", {"Authorization": "Bearer right"}, 200),
        ("10.0.0.9", {"Authorization": "Bearer wrong"}, 403),
        ("127.0.0.1", {"Authorization": "Bearer wrong"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.5"}, 403),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.5"}, 403),
    ],
)
def test_who_may_look(
    world: World, client: Client, settings, address: str, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN = "right"

    answer = client.get("/metrics", REMOTE_ADDR=address, headers=headers)

    assert answer.status_code == status
    assert (b"uhub_" in answer.content) == (status == 200)


def test_a_network_can_be_let_in(world: World, client: Client, settings) -> None:
    settings.METRICS_NETWORKS = ["10.1.0.0/16"]

    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403


def test_an_empty_token_lets_nobody_in(world: World, client: Client, settings) -> None:
    settings.METRICS_TOKEN = ""

    answer = client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers={"Authorization": "Bearer "})

    assert answer.status_code == 403


@pytest.mark.usefixtures("lasting_memory")
def test_a_scrape_costs_a_constant_number_of_statements(busy: World, client: Client) -> None:
    counts = []
    for turn in range(2):
        client.get("/metrics")
        captured = [
            CaptureQueriesContext(connections[a]) for a in ("default", "platform", "dispatch")
        ]
        for one in captured:
            one.__enter__()
        client.get("/metrics")
        for one in captured:
            one.__exit__(None, None, None)
        counts.append(sum(len(one) for one in captured))
        with tenant_scope(busy.north.pk), transaction.atomic():
            template = TemplateFactory(cluster=ClusterFactory())
            for number in range(20):
                DeploymentFactory(
                    tenant=busy.north,
                    owner=busy.people["ops"],
                    template=template,
                    name=f"more-{turn}-{number}",
                )

    assert counts[0] == counts[1]
    assert counts[0] <= 14


def names_in(expression: str) -> set[str]:
    return set(_NAME.findall(expression))


def dashboards() -> list[Path]:
    return sorted((DEPLOY / "grafana").glob("*.json"))


def test_dashboards_and_alerts_name_only_what_a_scrape_has(busy: World, client: Client) -> None:
    client.get("/api/me")
    client.get("/metrics")
    known = set(scraped(client))
    used: dict[str, set[str]] = {}
    for path in dashboards():
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        used[path.name] = {
            name for panel in panels for one in panel["targets"] for name in names_in(one["expr"])
        }
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    used["alerts.yml"] = {
        name
        for group in rules["groups"]
        for rule in group["rules"]
        for name in names_in(rule["expr"])
    }

    assert sorted(used) == ["alerts.yml", "cloud.json", "platform.json"]
    assert {file: sorted(names - known) for file, names in used.items()} == {
        "alerts.yml": [],
        "cloud.json": [],
        "platform.json": [],
    }


def test_every_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))

    for rule in rules["groups"][0]["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


def test_dashboards_have_panels_that_do_not_overlap() -> None:
    for path in dashboards():
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, (path.name, panel["title"])
            taken |= cells
        assert len({panel["id"] for panel in panels}) == len(panels)
