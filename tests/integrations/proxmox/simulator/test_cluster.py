from __future__ import annotations

from typing import Any

import pytest

from integrations.proxmox.simulator import routes, schema
from tests.simulator import SimulatorProcess, wait_until

ROOT = "root@pam!adm"
FIREWALL = "/nodes/pve1/qemu/100/firewall"
NOT_SIMULATED = {
    "DELETE /nodes/{node}/network",
    "DELETE /nodes/{node}/network/{iface}",
    "GET /nodes/{node}/network/{iface}",
    "GET /nodes/{node}/query-url-metadata",
    "POST /nodes/{node}/lxc",
    "POST /nodes/{node}/network",
    "POST /nodes/{node}/status",
    "POST /nodes/{node}/storage/{storage}/content/{volume}",
    "POST /nodes/{node}/storage/{storage}/upload",
    "PUT /nodes/{node}/network",
    "PUT /nodes/{node}/network/{iface}",
}


def _get(simulator: SimulatorProcess, path: str, params: dict[str, Any] | None = None) -> Any:
    return simulator.api("GET", path, params, token=ROOT).json()["data"]


def _send(
    simulator: SimulatorProcess, method: str, path: str, params: dict[str, Any] | None = None
) -> None:
    answer = simulator.api(method, path, params, token=ROOT)
    assert answer.status_code == 200, answer.reason


def test_what_is_not_simulated_is_known_by_name() -> None:
    missing = set(schema.endpoints()) - set(routes.handlers())

    assert {f"{method} {path}" for method, path in missing} == NOT_SIMULATED


def test_a_cluster_without_containers_says_so(demo: SimulatorProcess) -> None:
    assert _get(demo, "/nodes/pve1/lxc") == []
    missing = demo.api("POST", "/nodes/pve1/lxc/105/status/start", token=ROOT)
    assert missing.reason == "Configuration file 'nodes/pve1/lxc/105.conf' does not exist"


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/access", {"subdir": "users"}),
        ("/cluster", {"name": "resources"}),
        ("/nodes/pve1", {"name": "qemu"}),
        ("/nodes/pve1/qemu/100", {"subdir": "snapshot"}),
        ("/nodes/pve1/qemu/100/status", {"subdir": "current"}),
        ("/nodes/pve1/storage/local", {"subdir": "content"}),
    ],
)
def test_directories_name_their_members(
    demo: SimulatorProcess, path: str, member: dict[str, str]
) -> None:
    assert member in _get(demo, path)


def test_a_node_tells_about_itself(demo: SimulatorProcess) -> None:
    assert _get(demo, "/nodes/pve2/version")["version"] == "9.2.11"
    assert _get(demo, "/nodes/pve2/time")["timezone"] == "Etc/UTC"
    assert "10.10.0.3 pve3.example.com pve3" in _get(demo, "/nodes/pve2/hosts")["data"]
    assert "101 legacy-erp running" in _get(demo, "/nodes/pve2/report")
    assert _get(demo, "/nodes/pve2/subscription")["status"] == "notfound"
    members = [row["name"] for row in _get(demo, "/cluster/config/nodes")]
    assert members == ["pve1", "pve2", "pve3"]
    assert _get(demo, "/cluster/replication") == []
    assert _get(demo, "/cluster/sdn/zones") == []


def test_options_of_the_cluster_are_kept(demo: SimulatorProcess) -> None:
    tags = {"registered-tags": "prod;test", "keyboard": "fr"}
    _send(demo, "PUT", "/cluster/options", tags)
    assert _get(demo, "/cluster/options")["allowed-tags"] == ["prod", "test"]

    _send(demo, "PUT", "/cluster/options", {"delete": "registered-tags,keyboard"})

    assert _get(demo, "/cluster/options") == {"keyboard": "en-us", "mac_prefix": "BC:24:11"}


def test_the_log_tells_of_tasks(demo: SimulatorProcess) -> None:
    demo.run("POST", "/nodes/pve1/qemu/100/status/stop")

    (entry,) = _get(demo, "/cluster/log", {"max": 1})
    assert entry["msg"].startswith("end task UPID:pve1:")
    assert entry["msg"].endswith(" OK")


def test_backup_jobs_are_kept_changed_and_removed(demo: SimulatorProcess) -> None:
    job = {"id": "nightly", "vmid": "100,101", "storage": "backup", "schedule": "21:00"}
    _send(demo, "POST", "/cluster/backup", job)
    _send(demo, "PUT", "/cluster/backup/nightly", {"schedule": "sat 03:00", "enabled": 0})

    found = _get(demo, "/cluster/backup/nightly")
    assert (found["vmid"], found["schedule"], found["enabled"]) == ("100,101", "sat 03:00", 0)
    conflict = demo.api("PUT", "/cluster/backup/nightly", {"all": 1}, token=ROOT)
    assert conflict.json()["errors"] == {"all": "option conflicts with option 'vmid'"}
    _send(demo, "DELETE", "/cluster/backup/nightly")
    missing = demo.api("GET", "/cluster/backup/nightly", token=ROOT)
    assert missing.json()["errors"] == {"id": "No such job 'nightly'"}


def test_a_purged_machine_leaves_its_backup_jobs(demo: SimulatorProcess) -> None:
    job = {"id": "nightly", "vmid": "100,9005", "storage": "backup", "schedule": "21:00"}
    _send(demo, "POST", "/cluster/backup", job)

    assert demo.run("DELETE", "/nodes/pve1/qemu/9005", {"purge": 1}) == "OK"

    assert _get(demo, "/cluster/backup/nightly")["vmid"] == "100"


def test_rules_of_a_machine_have_places(demo: SimulatorProcess) -> None:
    for port in ("22", "443"):
        rule = {"type": "in", "action": "ACCEPT", "dport": port, "proto": "tcp"}
        _send(demo, "POST", f"{FIREWALL}/rules", rule)

    _send(demo, "PUT", f"{FIREWALL}/rules/0", {"comment": "web"})
    rules = _get(demo, f"{FIREWALL}/rules")
    _send(demo, "DELETE", f"{FIREWALL}/rules/1")

    assert [(r["pos"], r["dport"], r.get("comment")) for r in rules] == [
        (0, "443", "web"),
        (1, "22", None),
    ]
    assert len(_get(demo, f"{FIREWALL}/rules")) == 1
    beyond = demo.api("GET", f"{FIREWALL}/rules/5", token=ROOT)
    assert beyond.reason == "no rule at position 5"


def test_firewall_options_sets_and_groups_are_kept(demo: SimulatorProcess) -> None:
    _send(demo, "PUT", f"{FIREWALL}/options", {"enable": 1, "policy_in": "DROP"})
    _send(demo, "POST", f"{FIREWALL}/ipset", {"name": "office"})
    _send(demo, "POST", f"{FIREWALL}/ipset/office", {"cidr": "10.0.0.0/8"})
    _send(demo, "POST", "/cluster/firewall/groups", {"group": "web"})

    assert _get(demo, f"{FIREWALL}/options")["policy_in"] == "DROP"
    assert _get(demo, f"{FIREWALL}/refs")[0]["ref"] == "+guest/office"
    full = demo.api("DELETE", f"{FIREWALL}/ipset/office", token=ROOT)
    assert full.reason == "IPSet 'office' is not empty"
    assert [row["group"] for row in _get(demo, "/cluster/firewall/groups")] == ["web"]


def test_the_firewall_of_a_destroyed_machine_goes_with_it(demo: SimulatorProcess) -> None:
    path = "/nodes/pve1/qemu/9005"
    _send(demo, "POST", f"{path}/firewall/ipset", {"name": "office"})
    demo.run("DELETE", path)

    demo.run("POST", "/nodes/pve1/qemu", {"vmid": 9005})

    assert _get(demo, f"{path}/firewall/ipset") == []


def test_storages_come_change_and_go(demo: SimulatorProcess) -> None:
    new = {"storage": "zfs-a", "type": "zfspool", "pool": "tank", "content": "images"}
    _send(demo, "POST", "/storage", {**new, "nodes": "pve2"})

    found = _get(demo, "/storage/zfs-a")
    assert (found["type"], found["nodes"], found["pool"]) == ("zfspool", "pve2", "tank")
    again = demo.api("POST", "/storage", new, token=ROOT)
    assert again.reason == "create storage failed: storage ID 'zfs-a' already defined"
    _send(demo, "DELETE", "/storage/zfs-a")
    assert demo.api("GET", "/storage/zfs-a", token=ROOT).reason == "storage 'zfs-a' does not exist"


def test_zfs_goes_back_to_its_latest_snapshot_only(demo: SimulatorProcess) -> None:
    new = {"storage": "zfs-a", "type": "zfspool", "pool": "tank", "content": "images"}
    _send(demo, "POST", "/storage", new)
    demo.control("POST", "/clock", {"scale": 200})
    demo.run("POST", "/nodes/pve1/qemu", {"vmid": 5000, "scsi0": "zfs-a:1"}, token=ROOT)
    path = "/nodes/pve1/qemu/5000/snapshot"
    for name in ("first", "second"):
        demo.run("POST", path, {"snapname": name})

    older = demo.run("POST", f"{path}/first/rollback")

    assert older == (
        "can't rollback, 'first' is not most recent snapshot on 'zfs-a:vm-5000-disk-0'"
    )
    assert demo.run("POST", f"{path}/second/rollback") == "OK"


def test_an_image_is_fetched_from_an_address(demo: SimulatorProcess) -> None:
    image = {"content": "iso", "filename": "a.iso", "url": "https://example.com/a.iso"}
    path = "/nodes/pve1/storage/backup"

    status = demo.run("POST", f"{path}/download-url", image, token=ROOT)

    assert status == "OK"
    volids = [row["volid"] for row in _get(demo, f"{path}/content", {"content": "iso"})]
    assert "backup:iso/a.iso" in volids


def test_all_machines_of_a_node_stop_and_start(demo: SimulatorProcess) -> None:
    assert demo.run("POST", "/nodes/pve1/stopall", token=ROOT) == "OK"
    assert (demo.vm(100) or {})["status"] == "stopped"
    assert (demo.vm(101) or {})["status"] == "running"

    assert demo.run("POST", "/nodes/pve1/startall", {"force": 1}, token=ROOT) == "OK"

    assert (demo.vm(100) or {})["status"] == "running"


def test_the_monitor_answers_one_question(demo: SimulatorProcess) -> None:
    path = "/nodes/pve1/qemu/100/monitor"

    answer = demo.api("POST", path, {"command": "info status"}, token=ROOT)

    assert answer.json()["data"] == "VM status: running\r\n"
    wait_until(lambda: demo.running_tasks() == [])
