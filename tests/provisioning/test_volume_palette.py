"""Volumes in the palette: found by name, and what can be done to them by a line."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from portal.kernel.commands import all_commands
from portal.kernel.tenancy import tenant_scope
from portal.logic.command_line import parsed
from provisioning.models import Deployment, Volume
from tests.conftest import World
from tests.factories.provisioning import VolumeFactory
from tests.portal.palette.asking import asked, machine, option, titles


def made(home: Deployment, **fields: Any) -> Volume:
    with tenant_scope(home.tenant_id), transaction.atomic():
        row: Volume = VolumeFactory(deployment=home, **{"name": "data-1"} | fields)
    return row


@pytest.mark.parametrize(
    ("line", "key", "values"),
    [
        ("grow data-1 to 40 gb", "grow", {"volume": "data-1", "size_gb": 40}),
        ("agrandis data-1 à 40 go", "grow", {"volume": "data-1", "size_gb": 40}),
        ("detach data-1", "detach", {"volume": "data-1"}),
        ("attach data-1 to web-2", "attach", {"volume": "data-1", "machine": "web-2"}),
    ],
)
def test_a_line_about_a_volume_is_understood(line: str, key: str, values: dict[str, Any]) -> None:
    found = parsed(line, all_commands())
    assert found is not None
    assert (found.command.key, found.values, found.is_complete) == (f"volume.{key}", values, True)


def test_growing_is_planned_with_its_size_and_price(world: World) -> None:
    row = made(machine(world, "web-1"), size_gb=20)
    plan = asked(world.people["support"], "grow data-1 to 40 gb")["plan"]
    assert (plan["action"], plan["fields"]) == (f"/volumes/{row.pk}/grow", {"size_gb": "40"})
    assert [fact["label"] for fact in plan["facts"]] == ["Size", "A month"]
    smaller = asked(world.people["support"], "grow data-1 to 10 gb")["plan"]
    assert (smaller["action"], "can only grow" in smaller["reason"]) == (None, True)


def test_attaching_names_the_machine_or_says_which_reach_it(world: World) -> None:
    home = machine(world, "web-1", status="running")
    row = made(home, status="detached", slot="")
    plan = asked(world.people["support"], "attach data-1 to web-1")["plan"]
    assert (plan["action"], plan["fields"]) == (
        f"/volumes/{row.pk}/attach",
        {"deployment": str(home.pk)},
    )
    other = asked(world.people["support"], "attach data-1 to web-9")["plan"]
    assert other["reason"] == "These machines reach its storage: web-1."


def test_volumes_are_found_and_others_do_not_see_them(world: World) -> None:
    made(machine(world, "web-1"))
    assert "data-1" in titles(asked(world.people["support"], "data-1"), "volume")
    found = option(asked(world.people["support"], "detach data-1"), "Detach data-1")
    assert found["reason"] is None or found["reason"] == ""
    assert world.stranger is not None
    assert titles(asked(world.stranger, "detach data-1")) == []
    assert (
        "plan" not in asked(world.people["viewer"], "detach data-1")
        or not asked(world.people["viewer"], "detach data-1")["plan"]
    )
