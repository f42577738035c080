"""Bootstrap and demo: whatever runs a second time changes nothing."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from config.env import ProxmoxEnvironment
from portal.models import User
from portal.services.settings import settings_forget
from provisioning.logic.demo_machines import MACHINES
from provisioning.models import Deployment, Template
from provisioning.services import demo
from tests.engine import run_until_idle
from tests.simulator import TOKENS, SimulatorProcess
from tests.snapshot import rows_digest

ALIASES = ("default", "owner", "platform", "dispatch")
TOKEN = "uhub@pve!portal"
# one of each kind: an application, those that are stopped, held and deleted, those with parts
CAST = ("pbx-paris", "win-accounting", "tools-ops", "monitoring", "wiki", "jump-ops", "debug-104")


def played(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def changed(before: dict[str, tuple[int, int]]) -> set[str]:
    """The tables whose rows are not as they were; workers write down their own heartbeat."""
    now = rows_digest()
    engine = {"portal_worker", "portal_schedule", "portal_schedulefire"}
    return {name for name, digest in now.items() if before[name] != digest} - engine


@pytest.mark.django_db(transaction=True, databases=ALIASES)
def test_a_second_bootstrap_changes_nothing() -> None:
    settings_forget()
    played("bootstrap")
    before = rows_digest()
    played("bootstrap")
    assert changed(before) == set()
    admin = User.objects.using("platform").get()
    assert (admin.username, admin.must_change_password) == ("uHub", True)
    assert admin.check_password("uHub-ADMIN")


@pytest.mark.django_db(transaction=True, databases=ALIASES)
def test_a_second_demo_changes_nothing(
    simulator: SimulatorProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = [machine for machine in MACHINES if machine.name in CAST]
    monkeypatch.setattr(demo, "MACHINES", cast)
    settings_forget()
    settings.PROXMOX_ENVIRONMENT = ProxmoxEnvironment(
        url=simulator.url, token_id=TOKEN, token_secret=TOKENS[TOKEN], ca_file=simulator.ca_file
    )
    played("bootstrap")
    first = played("seed_demo", "--timeout", "60")
    run_until_idle()
    assert first == "demo: 8 people and 25 machines added\n"
    statuses = Counter(Deployment.across_tenants.values_list("status", flat=True))
    assert statuses == {"running": 5, "stopped": 1, "deleted": 19}
    assert Template.objects.using("platform").filter(is_active=True).count() == 8
    before = rows_digest()
    assert played("seed_demo") == "demo: 0 people and 0 machines added\n"
    assert changed(before) == set()
