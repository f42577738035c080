"""Applications: installed after the machine runs, told as they are, never holding it up."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from integrations.proxmox.transport import ProxmoxTransport
from integrations.services.secrets import secret_store
from portal.kernel.errors import Conflict, Refused
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation
from portal.services.drains import drain
from portal.services.operations import operation_retry
from provisioning.models import Bootstrap, Deployment, Template
from provisioning.services.bootstraps import bootstrap_retry, bootstrap_reveal
from provisioning.services.saga import bootstrap as saga
from tests.conftest import Cloud
from tests.engine import TestDesk, run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.test_crash import Killed

DOCUMENT = """\
secrets: [db_password]
packages: [nginx]
runcmd:
  - echo It is installed
  - {when: {redis: true}, run: echo Redis too}
"""
REDIS = {"key": "redis", "label": "Redis", "type": "boolean", "default": False}


@pytest.fixture
def stack(cloud: Cloud) -> Cloud:
    described(cloud, bootstrap=DOCUMENT, install_options=[REDIS])
    return cloud


def described(cloud: Cloud, **values: Any) -> None:
    Template.objects.using(PLATFORM).filter(pk=cloud.template.pk).update(**values)


def installation(deployment: Deployment) -> Bootstrap:
    return Bootstrap.across_tenants.get(deployment_id=deployment.pk)


def retried(cloud: Cloud, deployment: Deployment) -> None:
    with tenant_scope(deployment.tenant_id):
        bootstrap_retry(actor=cloud.world.actor("support"), deployment_id=deployment.pk)


def revealed(cloud: Cloud, deployment: Deployment, role: str = "support") -> dict[str, str]:
    with tenant_scope(deployment.tenant_id):
        return bootstrap_reveal(actor=cloud.world.actor(role), deployment_id=deployment.pk)


def test_what_the_guest_says_is_the_result(stack: Cloud) -> None:
    row = installation(scenes.running(stack, parameters={"redis": True}))
    assert (row.status, row.exit_code, row.message) == ("done", 0, "")
    assert row.log_tail == "It is installed\nRedis too\n"


def test_an_option_that_was_not_wanted_stays_out(stack: Cloud) -> None:
    assert installation(scenes.running(stack)).log_tail == "It is installed\n"


def test_a_template_without_a_document_installs_nothing(cloud: Cloud) -> None:
    row = scenes.running(cloud)
    assert not Bootstrap.across_tenants.filter(deployment_id=row.pk).exists()
    assert not Operation.across_tenants.filter(type="pod.bootstrap").exists()


def test_the_machine_runs_before_anything_is_installed(stack: Cloud) -> None:
    stack.simulator.fault("agent_down", count=0)
    deployment = scenes.requested(stack)

    def is_running() -> bool:
        drain("cloudpods", desk=TestDesk())
        return bool(scenes.reloaded(deployment).status == "running")

    wait_until(is_running)
    assert installation(deployment).status == "pending"


def test_without_an_agent_the_result_is_unknown(
    stack: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.simulator.fault("agent_down", count=0)
    monkeypatch.setattr(saga, "setting_get", lambda _key: 0)
    monkeypatch.setitem(settings.PROVISIONING, "address_polls", 1)
    deployment = scenes.running(stack)
    row = installation(deployment)
    assert (row.status, row.message) == ("unknown", "The guest's agent does not answer.")


def test_a_script_that_fails_says_so_and_leaves_the_machine_alone(stack: Cloud) -> None:
    described(stack, bootstrap="runcmd: ['echo before', 'exit 3']")
    deployment = scenes.running(stack)
    row = installation(deployment)
    assert (row.status, row.exit_code, row.log_tail.splitlines()[0]) == ("failed", 3, "before")
    assert row.message == "It ended with status 3."


def test_it_is_done_again_by_the_document_it_was_made_with(stack: Cloud) -> None:
    described(stack, bootstrap="runcmd: ['echo before', 'exit 3']")
    deployment = scenes.running(stack)
    described(stack, bootstrap=DOCUMENT)
    retried(stack, deployment)
    run_until_idle()
    row = installation(deployment)
    assert (row.status, row.run, row.exit_code) == ("failed", 2, 3)


def test_what_is_under_way_is_not_begun_again(stack: Cloud) -> None:
    deployment = scenes.running(stack)
    retried(stack, deployment)
    with pytest.raises(Conflict):
        retried(stack, deployment)
    assert Operation.across_tenants.filter(type="pod.bootstrap").count() == 2


def test_passwords_are_shown_once_and_to_the_owner_alone(stack: Cloud) -> None:
    deployment = scenes.running(stack)
    with pytest.raises(Refused):
        revealed(stack, deployment, "ops")
    found = revealed(stack, deployment)
    assert found == secret_store().get(f"deployments/{deployment.pk}/bootstrap")
    with pytest.raises(Conflict) as caught:
        revealed(stack, deployment)
    assert caught.value.error_code == "already_shown"


def test_passwords_are_in_no_row(stack: Cloud) -> None:
    described(stack, bootstrap="secrets: [a]\nruncmd: ['echo done']")
    deployment = scenes.running(stack)
    value = revealed(stack, deployment)["a"]
    rows = [*Operation.across_tenants.values(), *Bootstrap.across_tenants.values()]
    assert not [row for row in rows if value in str(row)]


class Executioner:
    """Kills the worker at the call that starts the script, before it is sent or after its answer."""

    def __init__(self, when: str) -> None:
        self.when, self.is_done = when, False

    def _pass(self, when: str, path: str) -> None:
        if when == self.when and not self.is_done and path.endswith("agent/exec"):
            self.is_done = True
            raise Killed

    def before(self, method: str, path: str) -> None:
        self._pass("before", path)

    def after(self, method: str, path: str, outcome: str) -> None:
        self._pass("after", path)


@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_a_worker_that_dies_at_the_start_of_a_script_changes_nothing(
    stack: Cloud, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProxmoxTransport, "observer", Executioner(when))
    deployment = scenes.requested(stack)
    with pytest.raises(Killed):
        run_until_idle()
    scenes.leases_expire()
    run_until_idle()
    row = installation(deployment)
    assert (scenes.reloaded(deployment).status, row.status) == ("running", "done")
    assert (row.run, row.log_tail) == (1, "It is installed\n")


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        pytest.param("timeout", {"execute": True}, marks=pytest.mark.soak),
        ("status", {"status": 502, "reason": "Bad Gateway"}),
    ],
)
def test_an_answer_that_is_lost_is_asked_for_again(
    stack: Cloud, kind: str, params: dict[str, Any]
) -> None:
    match = {"method": "POST", "path": "agent/exec$"}
    stack.simulator.fault(kind, match=match, count=1, **params)
    assert installation(scenes.running(stack)).status == "done"


def test_nothing_runs_in_a_stranger_s_machine(stack: Cloud) -> None:
    deployment = scenes.running(stack)
    retried(stack, deployment)
    stack.simulator.foreign_vm(deployment.vmid)
    position = stack.simulator.log_position()
    run_until_idle()
    assert installation(deployment).status == "failed"
    assert stack.simulator.mutations(position) == []


SNIPPET = "local:snippets/web.yml"


def _configured(cloud: Cloud, vmid: int) -> list[str]:
    """What `cicustom` was set to for a machine, by the calls that reached the cluster."""
    calls = [one for one in cloud.simulator.log() if one["path"].endswith(f"/qemu/{vmid}/config")]
    return [one["params"]["cicustom"] for one in calls if "cicustom" in one.get("params", {})]


def test_the_node_s_own_document_is_named_to_the_cluster(cloud: Cloud) -> None:
    cloud.simulator.control("POST", "/snippet", {"volume": SNIPPET})
    described(cloud, snippet=SNIPPET, has_cloud_init=True, bootstrap=DOCUMENT)
    deployment = scenes.running(cloud)
    assert _configured(cloud, deployment.vmid) == [f"vendor={SNIPPET}"]
    path = f"/nodes/{deployment.node}/qemu/{deployment.vmid}/config"
    there = cloud.simulator.api("GET", path).json()["data"]
    assert there["cicustom"] == f"vendor={SNIPPET}"
    row = installation(deployment)
    assert (row.snippet, row.secret_names, row.secrets_path) == (SNIPPET, [], "")
    assert (row.status, row.exit_code) == ("done", 0)


def test_without_a_snippet_the_cluster_is_told_of_none(stack: Cloud) -> None:
    described(stack, has_cloud_init=True)
    deployment = scenes.running(stack)
    assert _configured(stack, deployment.vmid) == []


def test_a_document_the_node_lacks_is_named_and_a_retry_goes_on_once_it_is_there(
    cloud: Cloud,
) -> None:
    described(cloud, snippet=SNIPPET, has_cloud_init=True)
    deployment = scenes.requested(cloud)
    run_until_idle()
    row = scenes.reloaded(deployment)
    assert (row.status, row.attention) == (
        "error",
        {
            "code": "snippet_missing",
            "message": "The machine cannot start: storage local has no snippet web.yml on its node. "
            "Put the file there and try again, or take it off the template and create the machine anew.",
            "command": "pvesm list local --content snippets",
        },
    )
    cloud.simulator.control("POST", "/snippet", {"volume": SNIPPET})
    with tenant_scope(row.tenant_id):
        operation_retry(actor=cloud.world.actor("ops"), operation_id=scenes.last_operation(row).pk)
    run_until_idle()
    assert (scenes.reloaded(row).status, installation(row).status) == ("running", "done")
