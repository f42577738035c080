"""The dialog of a resize: the plan of what is being typed, and a submit that refuses in the same words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from billing.models import Quota
from portal.models import Operation
from provisioning.models import Deployment, Node, Template
from tests.conftest import World
from tests.factories.provisioning import NodeFactory, TemplateFactory
from tests.provisioning import paper
from tests.snapshot import rows_digest

SAME = {"cpu_cores": "2", "memory_mb": "2048", "disk_gb": "20"}
BUSY = "Another action is under way on this deployment. Wait until it has ended."
OVER = (
    "Of vCPU, 6 are asked for and 2 of 4 are left. Ask for less, delete what is not needed, "
    "or have a platform administrator raise the limit."
)


@pytest.fixture
def template(world: World) -> Template:
    """A template on a cluster of one node with 8 vCPU, whose organisation has no limit."""
    made: Template = TemplateFactory(code="small", cpu_cores_max=16)
    Node.objects.using("platform").update(cpu_cores=2, cpu_overcommit=4)
    Quota.objects.using("platform").create(tenant=world.north)
    return made


@pytest.fixture
def machine(world: World, template: Template) -> Deployment:
    return paper.deployment(world, template, name="web-1")


def signed_in(world: World, role: str = "support") -> Client:
    client = Client()
    client.force_login(world.people[role])
    return client


def asked(client: Client, row: Deployment, *, end: str = "/plan", **figures: str) -> Any:
    return client.post(f"/deployments/{row.pk}/resize{end}", SAME | figures)


def words(answer: Any) -> str:
    """What a person reads of it."""
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode())).strip()


def verdicts(answer: Any) -> dict[str, tuple[str, str]]:
    """(tone, text) by what was asked."""
    found = re.findall(
        r'<li class="(\w*)">.*?<b>(.*?)</b> (.*?)</span></li>', answer.content.decode(), re.DOTALL
    )
    return {label: (tone, text) for tone, label, text in found}


def mark(answer: Any, name: str) -> str:
    """What stands beside a field."""
    found = re.search(
        rf'<span class="err" id="resize_{name}_fault"[^>]*>(.*?)</span>\s*(?=<span class="err"|$)',
        answer.content.decode().strip(),
        re.DOTALL,
    )
    assert found is not None
    return strip_tags(found[1]).strip()


def test_figures_that_fit_say_what_they_cost_and_take(world: World, machine: Deployment) -> None:
    Quota.objects.using("platform").update(cpu_cores=8, memory_mb=16_384)
    answer = asked(signed_in(world), machine, cpu_cores="4", memory_mb="4096")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    text = words(answer)
    assert text.startswith(
        "€81.76 a month €0.1120 an hour · +€36.50 from €45.26 now Can be resized "
        "vCPU2 → 4 / 8 2 → 4 / 8 Memory2 → 4 / 16 GiB 2 → 4 / 16 GiB Quota"
    )
    assert verdicts(answer) == {
        "Quota": ("ok", "Enough is left."),
        "Place": ("ok", "There is room where the machine is."),
        "Restart": ("info", "It has the new vCPU and memory once somebody restarts it."),
    }
    assert [mark(answer, name) for name in SAME] == ["", "", ""]


def test_a_larger_disk_needs_no_restart(world: World, machine: Deployment) -> None:
    answer = asked(signed_in(world), machine, disk_gb="40")
    assert verdicts(answer)["Restart"] == ("ok", "None is needed.")


def test_a_smaller_machine_costs_less(world: World, machine: Deployment) -> None:
    answer = asked(signed_in(world), machine, cpu_cores="1")
    assert (
        "€30.66 a month €0.0420 an hour · \N{MINUS SIGN}€14.60 from €45.26 now Can be resized"
        in words(answer)
    )


def test_the_quota_names_the_limit_that_breaks(world: World, machine: Deployment) -> None:
    Quota.objects.using("platform").update(cpu_cores=4)
    answer = asked(signed_in(world), machine, cpu_cores="8")
    assert "Not like this vCPU2 → 8 / 4" in words(answer)
    assert verdicts(answer)["Quota"] == ("danger", OVER)
    assert mark(answer, "cpu_cores") == "Over the quota: 2 of 4 are left."


def test_a_disk_never_shrinks(world: World, machine: Deployment) -> None:
    answer = asked(signed_in(world), machine, disk_gb="10")
    assert "Not like this" in words(answer)
    assert mark(answer, "disk_gb") == "10 GiB is outside the limits: 20 to 200 GiB."
    assert mark(answer, "cpu_cores") == ""


def test_what_cannot_be_read_is_told_beside_its_field(world: World, machine: Deployment) -> None:
    answer = asked(signed_in(world), machine, memory_mb="much", cpu_cores="4")
    assert "Not like this" in words(answer)
    assert mark(answer, "memory_mb") == "Enter a whole number."


LACKING = (
    "Where the machine is there is room for 6 of 8 vCPU only. "
    "Ask an operator of the platform for room, or ask for less. "
)


@pytest.mark.parametrize(
    ("role", "others", "way"),
    [
        ("support", 0, "No other node of its cluster could take it either."),
        ("support", 1, "It would fit on another node: an operator can move it there."),
        ("ops", 1, "Moved to another node it would fit: pve2."),
    ],
)
def test_the_place_says_whether_the_machine_has_to_move(
    world: World, machine: Deployment, role: str, others: int, way: str
) -> None:
    if others:
        NodeFactory(cluster=machine.cluster, name="pve2")
        machine.cluster.storages.using("platform").update(node_names=["pve1", "pve2"])
    answer = asked(signed_in(world, role), machine, cpu_cores="10")
    assert verdicts(answer)["Place"] == ("danger", LACKING + way)


def test_a_state_that_forbids_it_is_told(world: World, template: Template) -> None:
    row = paper.deployment(world, template, name="web-1", status="stopping")
    answer = asked(signed_in(world), row, cpu_cores="4")
    assert verdicts(answer)["Rules"] == ("danger", BUSY)


def test_another_tenants_machine_is_absent(world: World, template: Template) -> None:
    row = paper.south(world, template)
    assert asked(signed_in(world), row, cpu_cores="4").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "dev"])
def test_who_may_not_resize_it_has_no_plan(world: World, machine: Deployment, role: str) -> None:
    client = signed_in(world, role)
    before = rows_digest()
    assert asked(client, machine, cpu_cores="4").status_code == 403
    assert rows_digest() == before


def test_a_plan_writes_nothing_and_asks_so_many_questions(
    world: World, machine: Deployment, lasting_memory: None
) -> None:
    client = signed_in(world)
    asked(client, machine, cpu_cores="4")
    before = rows_digest()
    with CaptureQueriesContext(connections["default"]) as questions:
        asked(client, machine, cpu_cores="4")
    assert rows_digest() == before
    assert len(questions) == 10


def test_a_submit_refuses_in_the_same_words(world: World, machine: Deployment) -> None:
    Quota.objects.using("platform").update(cpu_cores=4)
    answer = asked(signed_in(world), machine, end="", cpu_cores="8")
    told = [(one.level_tag, str(one)) for one in answer.wsgi_request._messages]
    assert told == [("error", f"vCPU: {OVER}")]
    assert not Operation.across_tenants.exists()


def test_a_submit_in_the_dialog_names_the_field(world: World, machine: Deployment) -> None:
    sent = SAME | {"disk_gb": "10", "dialog": "resize-dialog"}
    answer = signed_in(world).post(
        f"/deployments/{machine.pk}/resize", sent, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 422
    assert 'data-fault="Disk (GiB)"' in answer.content.decode()
    assert "10 GiB is outside the limits: 20 to 200 GiB." in words(answer)
