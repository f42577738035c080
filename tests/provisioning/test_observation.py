"""What happens behind our back: seen states are taken over, absence and doubt never are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audit.models import Entry
from integrations.base.errors import Unavailable
from integrations.proxmox.adapter import ProxmoxHypervisor
from integrations.proxmox.interface import ClusterListing, GuestConfig, GuestSummary, PowerState
from portal.models import Operation
from provisioning.logic.reconciliation import guest_tags
from provisioning.models import Cluster, Deployment, GuestObservation
from provisioning.services import observation
from tests.conftest import Cloud
from tests.engine import run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.scenes import reloaded


def look() -> None:
    observation.observation_schedule()
    run_until_idle()


def power_behind_our_back(cloud: Cloud, deployment: Deployment, verb: str, state: str) -> None:
    """Somebody starts or stops the machine on the cluster, whose listing follows a little later."""
    path = f"/nodes/pve1/qemu/{deployment.vmid}/status/{verb}"
    assert cloud.simulator.run("POST", path) == "OK"

    def is_listed() -> bool:
        rows = cloud.simulator.api("GET", "/cluster/resources?type=vm").json()["data"]
        return any(r["vmid"] == deployment.vmid and r["status"] == state for r in rows)

    wait_until(is_listed)


def test_a_machine_stopped_behind_our_back_is_shown_as_stopped(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    power_behind_our_back(cloud, deployment, "stop", "stopped")
    look()
    assert reloaded(deployment).status == "stopped"
    entry = Entry.objects.using("platform").get(tag="pod.observed")
    assert (entry.before, entry.after) == ({"status": "running"}, {"status": "stopped"})
    assert entry.actor_label == "system:observation"
    look()
    assert Entry.objects.using("platform").filter(tag="pod.observed").count() == 1
    seen = GuestObservation.objects.using("platform").get(vmid=deployment.vmid)
    assert (seen.power, seen.node) == ("stopped", "pve1")


def test_a_machine_started_behind_our_back_is_shown_as_running(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    scenes.acted(cloud, deployment, "stop", mode="force")
    run_until_idle()
    power_behind_our_back(cloud, deployment, "start", "running")
    look()
    assert reloaded(deployment).status == "running"


def test_a_node_that_is_down_changes_nothing(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    cloud.simulator.fault("node_down", node="pve2")
    cloud.simulator.fault("node_down", node="pve1")
    look()
    assert reloaded(deployment).status == "running"
    assert not Entry.objects.using("platform").filter(tag="pod.observed").exists()


def test_a_machine_that_is_not_listed_changes_nothing(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    path = f"/nodes/pve1/qemu/{deployment.vmid}"
    cloud.simulator.run("POST", f"{path}/status/stop")
    assert cloud.simulator.run("DELETE", path) == "OK"
    look()
    assert reloaded(deployment).status == "running"
    assert reloaded(deployment).attention is None


DOUBTS: tuple[dict[str, Any], ...] = (
    {"status": PowerState.UNKNOWN},
    {"lock": "backup"},
    {"vmid": 29_999},
    {"tags": ("uhub",)},
)


def test_doubt_changes_nothing(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = scenes.running(cloud)
    stopped = GuestSummary(
        vmid=deployment.vmid,
        node="pve1",
        name=deployment.name,
        status=PowerState.STOPPED,
        lock=None,
        pool="uhub",
        tags=guest_tags(deployment.pk, ()),
        is_template=False,
    )
    listed: list[GuestSummary] = []
    whole = ProxmoxHypervisor.listing

    def listing(hypervisor: ProxmoxHypervisor) -> ClusterListing:
        return replace(whole(hypervisor), guests=tuple(listed))

    monkeypatch.setattr(ProxmoxHypervisor, "listing", listing)
    monkeypatch.setattr(ProxmoxHypervisor, "guest_config", _unread)
    for changes in DOUBTS:
        listed[:] = [replace(stopped, **changes)]
        look()
        assert reloaded(deployment).status == "running", changes
    listed[:] = [stopped]
    look()
    assert reloaded(deployment).status == "stopped"


def _unread(_hypervisor: ProxmoxHypervisor, _node: str, _vmid: int) -> GuestConfig:
    raise Unavailable("no answer", provider="proxmox")


def test_what_is_under_way_or_failed_is_left_to_its_operation(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    power_behind_our_back(cloud, deployment, "stop", "stopped")
    for status in ("provisioning", "starting", "stopping", "deleting", "error"):
        Deployment.across_tenants.filter(pk=deployment.pk).update(status=status)
        look()
        assert reloaded(deployment).status == status


def test_a_cluster_that_cannot_be_listed_says_so_and_keeps_what_was_known(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    look()
    cloud.simulator.fault("status", match={"path": "/cluster/resources"}, count=9, status=403)
    look()
    cluster = Cluster.objects.using("platform").get(pk=cloud.cluster.pk)
    assert cluster.last_error != ""
    assert GuestObservation.objects.using("platform").filter(vmid=deployment.vmid).exists()
    assert reloaded(deployment).status == "running"
    cloud.simulator.clear_faults()
    look()
    assert Cluster.objects.using("platform").get(pk=cloud.cluster.pk).last_error == ""


def test_one_listing_at_a_time_per_cluster(cloud: Cloud) -> None:
    observation.observation_schedule()
    observation.observation_schedule()
    assert Operation.across_tenants.filter(type="cluster.observe").count() == 1
