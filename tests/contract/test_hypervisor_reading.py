"""What every `Hypervisor` tells of a cluster: the same on the twin and on a real wire."""

from __future__ import annotations

import pytest

from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.interface import GuestConfig, Hypervisor
from tests.contract.cluster import NODE, TEMPLATE
from tests.simulator import wait_until


def test_version_is_told(hypervisor: Hypervisor) -> None:
    assert hypervisor.version().release[0].isdigit()


def test_permissions_are_told_by_path(hypervisor: Hypervisor) -> None:
    granted = frozenset().union(*hypervisor.permissions().values())
    assert {"VM.Audit", "VM.Allocate"} <= granted


def test_nodes_are_listed(hypervisor: Hypervisor) -> None:
    assert NODE in {node.name for node in hypervisor.nodes() if node.is_online}


def test_storages_of_a_node_are_listed(hypervisor: Hypervisor) -> None:
    (local,) = (s for s in hypervisor.storages(NODE) if s.name == "local")
    assert (local.node, local.kind, local.is_shared, local.is_active) == (NODE, "dir", False, True)


def test_listing_shows_the_template(hypervisor: Hypervisor) -> None:
    (template,) = (guest for guest in hypervisor.guests() if guest.vmid == TEMPLATE)
    assert (template.node, template.is_container, template.lock) == (NODE, False, None)


def test_one_listing_tells_of_guests_nodes_and_storages(hypervisor: Hypervisor) -> None:
    listing = hypervisor.listing()
    (template,) = (guest for guest in listing.guests if guest.vmid == TEMPLATE)
    config = hypervisor.guest_config(NODE, TEMPLATE)
    sizes = (config.cores, config.memory_mb * 2**20)
    assert (template.cores, template.memory_bytes) == sizes
    assert NODE in {node.name for node in listing.nodes if node.is_online}
    assert (NODE, "local") in {(storage.node, storage.name) for storage in listing.storages}


def test_every_api_host_is_asked(hypervisor: Hypervisor) -> None:
    assert [report.is_reachable for report in hypervisor.hosts()] == [True]


def test_free_vmid_is_free(hypervisor: Hypervisor, vmid: int) -> None:
    assert hypervisor.is_vmid_free(vmid) is True


def test_taken_vmid_is_not_free(hypervisor: Hypervisor) -> None:
    assert hypervisor.is_vmid_free(TEMPLATE) is False


def test_guest_is_found_on_its_node(hypervisor: Hypervisor) -> None:
    assert hypervisor.guest_find(TEMPLATE) == NODE


def test_absent_guest_is_found_nowhere(hypervisor: Hypervisor, vmid: int) -> None:
    assert hypervisor.guest_find(vmid) is None


@pytest.mark.parametrize("question", ["guest_config", "guest_status"])
def test_question_about_an_absent_guest_names_it(
    hypervisor: Hypervisor, vmid: int, question: str
) -> None:
    with pytest.raises(GuestAbsent) as caught:
        getattr(hypervisor, question)(NODE, vmid)
    assert (caught.value.node, caught.value.vmid) == (NODE, vmid)


def test_guest_is_absent_from_the_nodes_it_does_not_live_on(hypervisor: Hypervisor) -> None:
    with pytest.raises(GuestAbsent):
        hypervisor.guest_config("pve2", TEMPLATE)


def test_template_is_a_template(hypervisor: Hypervisor) -> None:
    assert hypervisor.guest_config(NODE, TEMPLATE).is_template is True


def test_stopped_guest_has_no_addresses(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    assert hypervisor.guest_addresses(NODE, guest.vmid) == ()


def test_running_guest_tells_its_addresses_at_last(
    hypervisor: Hypervisor, running: GuestConfig
) -> None:
    wait_until(lambda: bool(hypervisor.guest_addresses(NODE, running.vmid)))
    assert hypervisor.guest_addresses(NODE, running.vmid)[0].startswith("10.20.")


def test_addresses_of_an_absent_guest_say_so(hypervisor: Hypervisor, vmid: int) -> None:
    with pytest.raises(GuestAbsent):
        hypervisor.guest_addresses(NODE, vmid)
