"""What stands around machines in the palette: hooks, webhooks, zones, thresholds, the console, a test."""

from __future__ import annotations

import pytest
from django.db import transaction

from portal.kernel.tenancy import tenant_scope
from provisioning.models import AlertRule, Hook, Webhook
from tests.conftest import World
from tests.factories.provisioning import DnsZoneFactory
from tests.portal.palette.asking import asked, machine, option, titles
from tests.provisioning.webhook_scenes import webhook_to


@pytest.fixture
def receiver(world: World) -> Webhook:
    with tenant_scope(world.north.pk):
        return webhook_to(world, "https://chat.example/in", name="Chat room")[0]


@pytest.fixture
def around(world: World, receiver: Webhook) -> None:
    """One of each, all called alike."""
    with tenant_scope(world.north.pk), transaction.atomic():
        Hook.objects.create(
            tenant=world.north,
            name="Chat before",
            event="pod.pre_create",
            type="http",
            target="https://chat.example/hook",
        )
    AlertRule.across_tenants.create(
        tenant_id=world.north.pk,
        name="Chat CPU",
        subject_kind="deployment",
        metric="cpu",
        threshold=90,
        for_s=60,
    )
    DnsZoneFactory(name="chat.example", organisation=world.north)


@pytest.mark.usefixtures("around")
def test_what_stands_around_machines_is_found(world: World) -> None:
    found = titles(asked(world.people["ops"], "chat"))
    assert {"Chat before", "Chat room", "Chat CPU", "chat.example"} <= set(found)


@pytest.mark.usefixtures("around")
def test_roles_without_the_right_and_other_organisations_find_none(world: World) -> None:
    assert not {"Chat before", "Chat room"} & set(titles(asked(world.people["viewer"], "chat")))
    strange = titles(asked(world.stranger, "chat"))
    assert not {"Chat before", "Chat room", "Chat CPU", "chat.example"} & set(strange)


def test_a_console_opens_from_a_line(world: World) -> None:
    web = machine(world)
    for line in ("open console of web-04", "console web-04", "ouvrir la console de web-04"):
        plan = asked(world.people["support"], line)["plan"]
        assert (plan["title"], plan["action"], plan["fields"]) == (
            "Open the console of web-04",
            f"/deployments/{web.pk}/console",
            {},
        )


def test_a_stopped_machine_s_console_says_why(world: World) -> None:
    machine(world, status="stopped")
    shown = option(asked(world.people["support"], "console web-04"), "Open the console of web-04")
    assert "running" in shown["reason"]


def test_a_console_is_absent_by_role(world: World) -> None:
    machine(world)
    assert asked(world.people["viewer"], "console web-04")["plan"] is None


def test_a_webhook_is_tested_from_a_line(world: World, receiver: Webhook) -> None:
    plan = asked(world.people["ops"], 'test webhook "Chat room"')["plan"]
    assert (plan["title"], plan["action"]) == (
        "Test Chat room",
        f"/webhooks/{receiver.pk}/test",
    )
    assert asked(world.people["support"], 'test webhook "Chat room"')["plan"] is None


def test_a_paused_webhook_says_why_it_cannot_be_tested(world: World, receiver: Webhook) -> None:
    Webhook.across_tenants.using("platform").filter(pk=receiver.pk).update(state="paused")
    shown = option(asked(world.people["ops"], "test webhook Chat"), "Test Chat room")
    assert shown["reason"] == "The webhook is paused. Resume it first."
