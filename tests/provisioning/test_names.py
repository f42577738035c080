"""The life of names, on the real simulator and a real PowerDNS, asked by a real resolver."""

from __future__ import annotations

from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning.names import Names, name_server_process, names
from tests.provisioning.scenes import acted, requested, running

__all__ = ["name_server_process", "names"]


def test_a_new_machine_is_found_by_its_name_and_no_longer_after_its_end(
    cloud: Cloud, names: Names
) -> None:
    deployment = running(cloud, "web-1")
    (address,) = deployment.ip_addresses
    pointer = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    assert deployment.hostname == "web-1.demo.test"
    assert names.states(deployment) == {"A": "active", "PTR": "active"}
    assert names.asked("web-1.demo.test") == (address,)
    assert names.asked(pointer, "PTR") == ("web-1.demo.test.",)

    acted(cloud, deployment, "delete")
    run_until_idle()

    assert names.states(deployment) == {"A": "removed", "PTR": "removed"}
    assert names.asked("web-1.demo.test") == ("NXDOMAIN",)
    assert names.asked(pointer, "PTR") == ("NXDOMAIN",)


def test_the_name_is_held_before_the_address_is_known(cloud: Cloud, names: Names) -> None:
    deployment = requested(cloud, "web-1")
    record = names.records(deployment)["A"]
    assert (record.status, record.ip_address, record.hostname) == (
        "pending",
        None,
        "web-1.demo.test",
    )
