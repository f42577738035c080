"""Who is told of leases, requests, findings and quotas, and of what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from billing.logic.quota import Amounts
from billing.models import Quota
from billing.services.quotas import quota_reserve
from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.models import Notification
from portal.selectors.notifications import NoticeView, bell_of
from provisioning.models import Template
from provisioning.services import extensions, leases
from provisioning.services.expiry import expiry_sweep
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning.lease_scenes import graced, leased
from tests.provisioning.twin import Twin, finding


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


@pytest.fixture(autouse=True)
def paris() -> Iterator[None]:
    with timezone.override(ZoneInfo("Europe/Paris")):
        yield


def told() -> list[tuple[str, str]]:
    """Who was told what, by name."""
    found = Notification.objects.using("platform").select_related("user").order_by("id")
    return sorted((row.user.username, NoticeView(row).text) for row in found)


def test_owner_is_told_before_the_end_and_at_the_end(world: World, template: Template) -> None:
    ends_at = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    soon = leased(world, template, 0.5, name="web-1")
    with tenant_scope(world.north.pk), transaction.atomic():
        type(soon).objects.filter(pk=soon.pk).update(expires_at=ends_at)
    with clock.travelled(ends_at - timedelta(minutes=30) - clock.now()):
        expiry_sweep()
        expiry_sweep()
    assert told() == [("support-north", "web-1 is stopped on 22 Nov 2026, 10:30")]
    with clock.travelled(ends_at + timedelta(minutes=1) - clock.now()):
        expiry_sweep()
    assert told() == [
        ("support-north", "web-1 is deleted on 25 Nov 2026, 10:31"),
        ("support-north", "web-1 is stopped on 22 Nov 2026, 10:30"),
        ("support-north", "web-1 is stopped: its lease has ended"),
    ]


def test_all_who_may_decide_are_told_of_a_request_and_who_asked_of_the_decision(
    world: World, template: Template
) -> None:
    row = leased(world, template, 24, name="web-1")
    with tenant_scope(world.north.pk):
        _, request = leases.deployment_extend(
            actor=world.actor("support"), deployment_id=row.pk, hours=400, reason="A demo"
        )
        assert request is not None
        asked = "support-north asks for 400 more hours for web-1"
        assert told() == [("admin-north", asked), ("ops-north", asked)]
        extensions.extension_deny(actor=world.actor("ops"), request_id=request.pk, reason="No room")
    assert told()[-1] == ("support-north", "web-1: 400 more hours were denied")
    with tenant_scope(world.north.pk), transaction.atomic():
        assert bell_of(world.actor("support")).notices[0].detail == "No room"


def test_nobody_decides_on_the_own_request(world: World, template: Template) -> None:
    row = leased(world, template, 24, name="web-1")
    with tenant_scope(world.north.pk):
        leases.deployment_extend(
            actor=world.actor("ops"), deployment_id=row.pk, hours=400, reason="A demo"
        )
    assert [name for name, _ in told()] == ["admin-north"]


def test_findings_are_told_to_those_who_may_see_them(world: World) -> None:
    staff = UserFactory(username="staff", is_platform_admin=True)
    MembershipFactory(user=staff, tenant=world.south, role="viewer")
    twin = Twin(world)
    row = twin.deployment("web-1")
    twin.fake.guest_change(row.vmid, cores=3)
    twin.fake.guest_add(20_777, name="lost", pool="uhub")
    twin.sweep()
    twin.sweep()
    drift = f"{twin.cluster.name}: Changed outside, VM {row.vmid}"
    orphan = f"{twin.cluster.name}: Without an owner, VM 20777"
    assert told() == [("admin-north", drift), ("ops-north", drift), ("staff", orphan)]
    path = Notification.objects.using("platform").filter(kind="finding.opened").latest("id").path
    assert path in {f"/findings/{finding(kind).pk}" for kind in ("drift", "orphan")}


def test_quota_is_told_when_it_reaches_nine_tenths(world: World) -> None:
    Quota.objects.using("platform").create(
        tenant=world.north, deployments=10, cpu_cores=20, memory_mb=40_960, disk_gb=500
    )
    ops = world.actor("ops")
    with tenant_scope(world.north.pk):
        for amounts in (Amounts(1, 17, 0, 0), Amounts(1, 1, 0, 0), Amounts(1, 1, 0, 0)):
            quota_reserve(actor=ops, tenant_id=world.north.pk, subject_id=uuid7(), amounts=amounts)
    text = "Quota vCPU: 90 % used, 18 of 20 vCPU"
    assert told() == [("admin-north", text), ("ops-north", text)]


def test_deletion_by_the_lease_is_told(world: World, template: Template) -> None:
    graced(world, template, 1, name="web-1")
    expiry_sweep()
    assert told() == [("support-north", told()[0][1])]
    assert "web-1 is deleted on" in told()[0][1]
