"""Longer within the rules, shorter always, beyond the rules by somebody else's decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound, Refused
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_change
from provisioning.errors import (
    DeploymentInvalid,
    ExtensionNeedsApproval,
    ExtensionPending,
    RequestClosed,
    SelfApproval,
    WrongState,
)
from provisioning.models import Deployment, ExtensionRequest, Template
from provisioning.services import extensions, leases, lifecycle
from provisioning.services.expiry import expiry_sweep
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.scenes import reloaded
from tests.provisioning.test_races import at_once

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def extended(
    world: World, row: Deployment, hours: int, reason: str = "", role: str = "support"
) -> tuple[Deployment, ExtensionRequest | None]:
    with tenant_scope(world.north.pk):
        return leases.deployment_extend(
            actor=world.actor(role), deployment_id=row.pk, hours=hours, reason=reason
        )


def asked(world: World, row: Deployment, hours: int = 400, role: str = "support") -> Any:
    _, request = extended(world, row, hours, "The customer tests until May", role)
    assert request is not None
    return request


def decided(world: World, request: Any, verb: str, role: str = "ops", **more: Any) -> Any:
    acts = {
        "approve": leases.extension_approve,
        "deny": extensions.extension_deny,
        "withdraw": extensions.extension_withdraw,
    }
    with tenant_scope(world.north.pk):
        return acts[verb](actor=world.actor(role), request_id=request.pk, **more)


def status(request: Any) -> str:
    return ExtensionRequest.across_tenants.get(pk=request.pk).status


def tags(row: Deployment) -> list[str]:
    entries = Entry.objects.using("platform").filter(target_id=str(row.pk)).order_by("seq")
    return list(entries.values_list("tag", flat=True))


# --- rules -----------------------------------------------------------------------------------------


def test_each_change_of_the_end_is_a_new_version(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    versions = [row.lease_version]
    for hours in (24, -12, 1):
        extended(world, row, hours)
        versions.append(reloaded(row).lease_version)
    assert versions == [1, 2, 3, 4]
    assert reloaded(row).expires_at == row.expires_at + 13 * HOUR


def test_more_than_a_step_needs_an_approval(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    with pytest.raises(ExtensionNeedsApproval) as refused:
        extended(world, row, 169)
    assert refused.value.data == {
        "rule": "step",
        "limit_hours": 168,
        "asked_hours": 169,
        "how": "Send the same request with a `reason`.",
    }
    assert (refused.value.field, reloaded(row).expires_at) == ("hours", row.expires_at)
    extended(world, row, 168)
    assert reloaded(row).expires_at == row.expires_at + 168 * HOUR


def test_more_than_the_total_needs_an_approval(world: World, template: Template) -> None:
    setting_change(actor=Actor.system("test"), name="cloudpods.lease.max_total_hours", value=100)
    now = clock.now()
    row = paper.deployment(world, template, expires_at=now + 90 * HOUR)
    Deployment.across_tenants.filter(pk=row.pk).update(created_at=now)
    extended(world, row, 10)
    with pytest.raises(ExtensionNeedsApproval, match="101 h in all, and 100 h is the limit"):
        extended(world, row, 1)


def test_a_lease_is_shortened_by_hours_below_zero(world: World, template: Template) -> None:
    row = paper.deployment(world, template, expires_at=clock.now() + 72 * HOUR)
    extended(world, row, -48)
    assert reloaded(row).expires_at == row.expires_at - 48 * HOUR


def test_shortening_beyond_now_ends_the_lease_now(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    before = clock.now()
    extended(world, row, -1000)
    assert before <= reloaded(row).expires_at <= clock.now()
    expiry_sweep()
    assert reloaded(row).status == "stopping"


def test_an_ended_lease_is_not_shortened(world: World, template: Template) -> None:
    row = paper.deployment(world, template, expires_at=clock.now() - HOUR)
    with pytest.raises(WrongState, match="Delete the deployment instead"):
        extended(world, row, -1)


def test_a_reason_changes_nothing_within_the_rules(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    assert extended(world, row, 24, "because")[1] is None
    assert not ExtensionRequest.across_tenants.exists()


# --- requests --------------------------------------------------------------------------------------


def test_beyond_the_rules_a_reason_makes_a_request(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    request = asked(world, row)
    assert (request.status, request.hours, request.reason) == (
        "pending",
        400,
        "The customer tests until May",
    )
    assert (reloaded(row).expires_at, reloaded(row).lease_version) == (row.expires_at, 1)
    assert tags(row) == ["pod.extension_requested"]


def test_a_deployment_has_one_open_request(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    first = asked(world, row)
    with pytest.raises(ExtensionPending):
        asked(world, row, 500)
    decided(world, first, "withdraw", "support")
    assert asked(world, row, 500).hours == 500


def test_of_two_requests_at_once_one_is_made(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    assert at_once(4, lambda _: asked(world, row)) == {"ok": 1, "ExtensionPending": 3}


def test_a_long_reason_is_refused_by_name(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    with pytest.raises(DeploymentInvalid) as refused:
        extended(world, row, 400, "x" * 501)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [
        ("reason", "max_length")
    ]


def test_an_approval_extends(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    request = asked(world, row)
    decided(world, request, "approve", reason="Agreed")
    stored = ExtensionRequest.across_tenants.get(pk=request.pk)
    assert (stored.status, stored.decided_by, stored.decision_reason) == (
        "approved",
        world.people["ops"],
        "Agreed",
    )
    assert reloaded(row).expires_at == row.expires_at + 400 * HOUR
    assert reloaded(row).lease_version == 2
    assert tags(row) == ["pod.extension_requested", "pod.extended", "pod.extension_approved"]


def test_an_approval_in_the_grace_lifts_the_deletion(world: World, template: Template) -> None:
    past = clock.now() - HOUR
    row = paper.deployment(
        world, template, status="stopped", expires_at=past, expired_at=past, delete_after=past
    )
    decided(world, asked(world, row), "approve")
    assert (reloaded(row).delete_after, reloaded(row).expired_at) == (None, None)
    assert reloaded(row).expires_at > clock.now() + 399 * HOUR


def test_a_denial_changes_nothing(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    request = asked(world, row)
    decided(world, request, "deny", reason="The project is over")
    assert (status(request), reloaded(row).expires_at) == ("denied", row.expires_at)


@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_nobody_decides_on_his_own_request(world: World, template: Template, verb: str) -> None:
    row = paper.deployment(world, template)
    request = asked(world, row, role="ops")
    with pytest.raises(SelfApproval) as refused:
        decided(world, request, verb, "ops")
    assert (refused.value.http_status, refused.value.error_code) == (403, "self_approval")
    assert status(request) == "pending"
    decided(world, request, verb, "admin")


@pytest.mark.parametrize("role", ["support", "dev", "projets", "viewer"])
@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_deciding_needs_its_permission(
    world: World, template: Template, role: str, verb: str
) -> None:
    request = asked(world, paper.deployment(world, template))
    with pytest.raises(Refused):
        decided(world, request, verb, role)
    assert status(request) == "pending"


@pytest.mark.parametrize(("role", "is_allowed"), [("support", True), ("ops", True), ("dev", False)])
def test_a_request_is_withdrawn_by_its_requester_or_who_manages(
    world: World, template: Template, role: str, is_allowed: bool
) -> None:
    request = asked(world, paper.deployment(world, template))
    if is_allowed:
        decided(world, request, "withdraw", role)
    else:
        with pytest.raises(Refused):
            decided(world, request, "withdraw", role)
    assert status(request) == ("withdrawn" if is_allowed else "pending")


def test_another_tenants_request_is_absent(world: World, template: Template) -> None:
    request = asked(world, paper.deployment(world, template))
    with tenant_scope(world.south.pk), pytest.raises(NotFound):
        extensions.extension_withdraw(actor=world.outsider(), request_id=request.pk)


def test_the_database_keeps_requests_and_warnings_apart(world: World, template: Template) -> None:
    request = asked(world, paper.deployment(world, template))
    with (
        tenant_scope(world.south.pk),
        transaction.atomic(),
        connections["default"].cursor() as cursor,
    ):
        cursor.execute("UPDATE provisioning_extensionrequest SET status = 'approved'")
        assert cursor.rowcount == 0
    assert status(request) == "pending"


def test_of_two_decisions_at_once_one_holds(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    request = asked(world, row)
    results = at_once(4, lambda _: decided(world, request, "approve"))
    assert results == {"ok": 1, "RequestClosed": 3}
    assert reloaded(row).expires_at == row.expires_at + 400 * HOUR


def test_a_closed_request_stays_closed(world: World, template: Template) -> None:
    request = asked(world, paper.deployment(world, template))
    decided(world, request, "deny")
    with pytest.raises(RequestClosed, match="denied"):
        decided(world, request, "approve")


def test_a_request_ends_with_its_deployment(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    request = asked(world, row)
    with tenant_scope(world.north.pk):
        lifecycle.deployment_delete(actor=world.actor("support"), deployment_id=row.pk)
    assert status(request) == "expired"


# --- the deletion waits ------------------------------------------------------------------------------


def test_a_deletion_waits_for_a_decision_but_not_for_ever(world: World, template: Template) -> None:
    past = clock.now() - HOUR
    row = paper.deployment(
        world, template, status="stopped", expires_at=past, expired_at=past, delete_after=past
    )
    paper.warned(row)
    request = asked(world, row)
    with clock.travelled(6 * DAY):
        expiry_sweep()
        assert (reloaded(row).status, status(request)) == ("stopped", "pending")
    with clock.travelled(8 * DAY):
        expiry_sweep()
    assert (reloaded(row).status, status(request)) == ("deleting", "expired")


def test_asking_again_wins_no_time(world: World, template: Template) -> None:
    past = clock.now() - HOUR
    row = paper.deployment(
        world, template, status="stopped", expires_at=past, expired_at=past, delete_after=past
    )
    paper.warned(row)
    decided(world, asked(world, row), "withdraw", "support")
    with clock.travelled(8 * DAY):
        asked(world, row)
        expiry_sweep()
    assert reloaded(row).status == "deleting"


def test_after_a_denial_there_is_a_day_left(world: World, template: Template) -> None:
    past = clock.now() - HOUR
    row = paper.deployment(
        world, template, status="stopped", expires_at=past, expired_at=past, delete_after=past
    )
    paper.warned(row)
    decided(world, asked(world, row), "deny")
    expiry_sweep()
    assert reloaded(row).status == "stopped"
    assert DAY - HOUR < reloaded(row).delete_after - clock.now() <= DAY
    with clock.travelled(DAY):
        expiry_sweep()
    assert reloaded(row).status == "deleting"


def test_of_approval_and_deletion_at_once_one_wins(world: World, template: Template) -> None:
    past = clock.now() - 9 * DAY
    for _ in range(4):
        row = paper.deployment(
            world, template, status="stopped", expires_at=past, expired_at=past, delete_after=past
        )
        paper.warned(row)
        request = asked(world, row)

        def act(number: int, request: Any = request) -> None:
            decided(world, request, "approve") if number else expiry_sweep()

        results = at_once(2, act)
        is_approved = status(request) == "approved"
        assert results in ({"ok": 2}, {"ok": 1, "RequestClosed": 1})
        assert (reloaded(row).status == "stopped") is is_approved
        assert (results["ok"] == 2) is is_approved


def test_extension_racing_deletion_by_a_person_has_one_order(
    world: World, template: Template
) -> None:
    row = paper.deployment(world, template)

    def act(number: int) -> None:
        if number:
            extended(world, row, 24)
        else:
            with tenant_scope(world.north.pk):
                lifecycle.deployment_delete(actor=world.actor("support"), deployment_id=row.pk)

    results = at_once(2, act)
    assert results in ({"ok": 2}, {"ok": 1, "WrongState": 1})
    assert reloaded(row).status == "deleting"
