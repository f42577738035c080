from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID, tenant_scope
from portal.models import Notification, Operation
from provisioning.models import Alert, AlertRule, Deployment
from provisioning.services.alert_rules import rules_ensure
from provisioning.services.alerting import alerts_settle, alerts_tell
from tests.api.conftest import caller_of
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.provisioning.figures_scenes import reading
from tests.provisioning.test_measures import machine

MINUTE = timedelta(minutes=1)


def rule(tenant_id: Any, **fields: Any) -> AlertRule:
    usual: dict[str, Any] = {
        "name": "CPU",
        "subject_kind": "deployment",
        "metric": "cpu",
        "threshold": 90,
        "hysteresis": 5,
        "for_s": 120,
        "severity": "critical",
    }
    values = {"tenant_id": tenant_id, **usual, **fields}
    return AlertRule.across_tenants.create(**values)  # type: ignore[no-any-return]


def cpu(deployment: Deployment, begin: datetime, *values: float | None) -> list[str]:
    """One reading a minute, None for a minute without; answers the alert's state after each."""
    states = []
    for number, value in enumerate(values):
        if value is not None:
            reading(deployment, begin + MINUTE * number, cpu=value)
        states.append(
            ",".join(Alert.across_tenants.order_by("created_at").values_list("status", flat=True))
        )
    return states


@pytest.fixture
def begin() -> datetime:
    return clock.now() - timedelta(hours=1)


def test_it_fires_after_its_time_and_not_before(world: World, begin: datetime) -> None:
    rule(world.north.pk)
    states = cpu(machine(world), begin, 50, 95, 96, 97, 98)
    assert states == ["", "pending", "pending", "firing", "firing"]
    alert = Alert.across_tenants.get()
    assert (alert.since, alert.peak, alert.value) == (begin + MINUTE, 98.0, 98.0)


def test_a_short_crossing_is_forgotten(world: World, begin: datetime) -> None:
    rule(world.north.pk)
    assert cpu(machine(world), begin, 95, 95, 80, 95) == ["pending", "pending", "", "pending"]


def test_flapping_around_the_threshold_is_one_alert(world: World, begin: datetime) -> None:
    rule(world.north.pk)
    flapping = [95, 95, 95, *([89, 91] * 10)]
    assert set(cpu(machine(world), begin, *flapping)[2:]) == {"firing"}
    alerts_tell()
    alerts_tell()
    assert Entry.objects.using("platform").filter(tag="alert.fired").count() == 1


def test_it_ends_when_the_figure_stayed_back_for_as_long(world: World, begin: datetime) -> None:
    rule(world.north.pk)
    states = cpu(machine(world), begin, 95, 95, 95, 80, 80, 86, 80, 80, 80)
    assert states[2:] == ["firing", "firing", "firing", "firing", "firing", "firing", "resolved"]


def test_what_nobody_measures_neither_fires_nor_ends(world: World, begin: datetime) -> None:
    rule(world.north.pk)
    gap = [None] * 10
    states = cpu(machine(world), begin, 95, *gap, 95, 95, 95)
    assert states[-4:] == ["pending", "pending", "pending", "firing"]
    assert Alert.across_tenants.get().since == begin + MINUTE * 11


def test_a_gap_within_the_calm_begins_the_calm_anew(world: World, begin: datetime) -> None:
    rule(world.north.pk)
    gap = [None] * 10
    states = cpu(machine(world), begin, 95, 95, 95, 50, *gap, 50, 50, 50)
    assert states[-4:] == ["firing", "firing", "firing", "resolved"]


def test_an_unknown_figure_is_left_as_it_was(world: World, begin: datetime) -> None:
    rule(world.north.pk, metric="disk")
    deployment = machine(world)
    assert cpu(deployment, begin, 99, 99, 99, 99)[-1] == ""


def test_below_is_the_other_side(world: World, begin: datetime) -> None:
    rule(world.north.pk, operator="below", threshold=10, hysteresis=5)
    states = cpu(machine(world), begin, 5, 4, 3, 12, 16, 16, 16)
    assert states[2:] == ["firing", "firing", "firing", "firing", "resolved"]
    assert Alert.across_tenants.get().peak == 3.0


def test_rules_of_others_and_rules_that_are_off_watch_nothing(
    world: World, begin: datetime
) -> None:
    rule(world.south.pk)
    rule(world.north.pk, is_active=False)
    assert cpu(machine(world), begin, 99, 99, 99, 99)[-1] == ""


def test_the_platform_watches_the_machines_of_all(world: World, begin: datetime) -> None:
    rule(PLATFORM_TENANT_ID, for_s=0)
    assert cpu(machine(world), begin, 99) == ["firing"]
    assert Alert.across_tenants.get().tenant_id == PLATFORM_TENANT_ID
    with tenant_scope(world.north.pk), transaction.atomic():
        assert Alert.objects.count() == 0


def test_people_are_told_once_and_critical_ones_by_mail(world: World, begin: datetime) -> None:
    rule(world.north.pk, for_s=0)
    deployment = machine(world)
    cpu(deployment, begin, 99)
    assert (alerts_tell(), alerts_tell()) == (1, 0)
    told = Notification.objects.using("platform").filter(kind="alert.fired")
    people = {world.people[role].pk for role in ("admin", "ops", "support")}
    assert set(told.values_list("user_id", flat=True)) == people
    mails = Operation.objects.using("platform").filter(type="mail.send")
    assert mails.count() == 3
    assert deployment.name in mails[0].payload["subject"]


def test_a_warning_sends_no_mail(world: World, begin: datetime) -> None:
    rule(world.north.pk, for_s=0, severity="warning")
    cpu(machine(world), begin, 99)
    alerts_tell()
    assert not Operation.objects.using("platform").filter(type="mail.send").exists()


def test_alerts_of_what_is_gone_end(world: World, begin: datetime) -> None:
    rule(world.north.pk, for_s=0)
    deployment = machine(world)
    cpu(deployment, begin, 99)
    Deployment.across_tenants.filter(pk=deployment.pk).update(status="deleted")
    alerts_settle()
    assert Alert.across_tenants.get().status == "resolved"


def test_first_rules_are_made_once_and_left_alone(world: World) -> None:
    made = rules_ensure()
    AlertRule.across_tenants.filter(code="node-cpu").update(threshold=50)
    assert (made, rules_ensure()) == (7, 0)
    assert AlertRule.across_tenants.get(code="node-cpu").threshold == 50


RULE = {
    "name": "Memory",
    "subject_kind": "deployment",
    "metric": "memory",
    "threshold": 90,
    "for_s": 600,
}


def test_rules_over_the_api(world: World) -> None:
    ask = caller_of(world.people["ops"])
    made = ask("post", "alert-rules", RULE)
    assert made.status_code == 201
    key = orjson.loads(made.content)["id"]
    assert ask("post", "alert-rules", RULE).status_code == 400
    changed = ask("patch", f"alert-rules/{key}", {"threshold": 80})
    assert orjson.loads(changed.content)["threshold"] == 80
    wrong = ask("patch", f"alert-rules/{key}", {"threshold": 180})
    assert orjson.loads(wrong.content)["errors"][0]["attr"] == "threshold"
    node = ask("patch", f"alert-rules/{key}", {"subject_kind": "node"})
    assert orjson.loads(node.content)["errors"][0]["attr"] == "subject_kind"
    assert caller_of(world.stranger)("get", f"alert-rules/{key}").status_code == 404
    assert caller_of(world.people["viewer"])("delete", f"alert-rules/{key}").status_code == 403
    assert AlertRule.across_tenants.filter(pk=key).exists()
    assert ask("delete", f"alert-rules/{key}").status_code == 204


def test_staff_set_the_platforms_rules(world: World) -> None:
    staff = UserFactory(username="staff", is_platform_admin=True)
    MembershipFactory(user=staff, tenant=world.north, role="admin")
    rules_ensure()
    ask = caller_of(staff)
    made = ask("post", "alert-rules", {**RULE, "subject_kind": "node"})
    assert orjson.loads(made.content)["tenant_id"] is None
    first = AlertRule.across_tenants.get(code="node-cpu")
    assert ask("delete", f"alert-rules/{first.pk}").status_code == 409
    assert ask("patch", f"alert-rules/{first.pk}", {"is_active": False}).status_code == 200


def test_somebody_looks_after_an_alert(world: World, begin: datetime) -> None:
    rule(world.north.pk, for_s=0)
    cpu(machine(world), begin, 99)
    alert = Alert.across_tenants.get()
    assert (
        caller_of(world.people["viewer"])("post", f"alerts/{alert.pk}/acknowledge").status_code
        == 403
    )
    assert caller_of(world.stranger)("get", f"alerts/{alert.pk}").status_code == 404
    assert Alert.across_tenants.get().acknowledged_at is None

    answer = caller_of(world.people["ops"])("post", f"alerts/{alert.pk}/acknowledge")

    assert orjson.loads(answer.content)["acknowledged_by"] == "ops-north"
    again = caller_of(world.people["admin"])("post", f"alerts/{alert.pk}/acknowledge")
    assert orjson.loads(again.content)["acknowledged_by"] == "ops-north"
    listed = caller_of(world.people["viewer"])("get", "alerts?status=firing")
    assert [row["id"] for row in orjson.loads(listed.content)["results"]] == [str(alert.pk)]


@pytest.fixture
def french(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Staff who read French; that the catalogue has these words is shown elsewhere."""
    words = {"Memory of a node": "Mémoire d’un nœud"}
    monkeypatch.setattr("provisioning.models.alert.translated", lambda text: words.get(text, text))
    person = UserFactory(username="staff-fr", is_platform_admin=True, language="fr")
    MembershipFactory(user=person, tenant=world.north, role="admin")
    rules_ensure()
    client = Client()
    client.force_login(person)
    return client


def _form(**fields: Any) -> dict[str, Any]:
    usual = {"subject_kind": "node", "operator": "above", "hysteresis": 3, "severity": "warning"}
    return {**RULE, **usual, "is_active": "on", **fields}


def test_first_rules_are_called_in_the_readers_language(french: Client) -> None:
    page = french.get("/alerts/rules").content.decode()
    assert "Mémoire d’un nœud" in page
    assert "Memory of a node<" not in page


def test_a_form_that_is_only_saved_leaves_the_first_name(french: Client) -> None:
    first = AlertRule.across_tenants.get(code="node-memory")
    address = f"/alerts/rules/{first.pk}"
    assert 'value="Mémoire d’un nœud"' in french.get(address).content.decode()
    assert french.post(address, _form(name="Mémoire d’un nœud")).status_code == 303
    first.refresh_from_db(using="platform")
    assert (first.name, first.threshold) == ("Memory of a node", RULE["threshold"])


def test_an_edited_name_stays_as_it_was_typed(french: Client) -> None:
    first = AlertRule.across_tenants.get(code="node-memory")
    assert french.post(f"/alerts/rules/{first.pk}", _form(name="CPU of a node!")).status_code == 303
    page = french.get("/alerts/rules").content.decode()
    assert "CPU of a node!" in page
    assert "Mémoire d’un nœud<" not in page


def test_a_rule_of_an_organisation_is_called_as_it_was_typed(world: World) -> None:
    own = rule(world.north.pk, name="Memory of a node")
    with translation.override("fr"):
        assert own.title == "Memory of a node"
