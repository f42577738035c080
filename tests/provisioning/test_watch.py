"""What was forgotten is watched: its volumes wait for proof, and its return is told and decided on."""

from __future__ import annotations

import pytest
from django.db import transaction

from portal.kernel.authz import Actor
from portal.kernel.errors import InvalidInput
from portal.kernel.tenancy import tenant_scope
from provisioning.errors import DeploymentBusy
from provisioning.models import Deployment, VmidAllocation, Volume
from provisioning.selectors.watch import watched_list
from provisioning.services import decisions
from provisioning.services.adoption import AdoptionRequest, finding_adopt
from provisioning.services.watch import finding_destroy
from tests.conftest import Cloud
from tests.engine import run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning import volume_scenes as play
from tests.provisioning.test_reconcile_cluster import settled, swept
from tests.provisioning.twin import finding, kinds

STAFF = Actor.system("test")


def node_power(cloud: Cloud, node: str, *, is_on: bool) -> None:
    """The node of a machine goes down for long, or comes back."""
    if is_on:
        cloud.simulator.clear_faults()
    else:
        cloud.simulator.fault("node_down", node=node)


@pytest.fixture
def forgotten(cloud: Cloud) -> tuple[Deployment, Volume]:
    """A machine with a volume, forgotten while its node was down."""
    deployment = settled(cloud)
    volume = play.attached(cloud, deployment)
    node_power(cloud, deployment.node, is_on=False)
    swept(cloud, times=3)
    with tenant_scope(deployment.tenant_id):
        decisions.finding_forget(
            actor=STAFF, finding_id=finding("unreachable").pk, reason="The node burnt."
        )
    return scenes.reloaded(deployment), volume


def test_volumes_of_what_nobody_could_reach_wait_for_proof(
    cloud: Cloud, forgotten: tuple[Deployment, Volume]
) -> None:
    deployment, volume = forgotten
    row = play.reloaded(volume)
    assert (row.status, row.deployment_id, row.slot) == ("error", deployment.pk, "scsi1")
    assert row.attention is not None
    assert row.attention["code"] == "machine_forgotten"
    with tenant_scope(deployment.tenant_id), transaction.atomic():
        (watched,) = watched_list(actor=cloud.world.actor("admin"))
    assert (watched.pk, watched.is_back, watched.holds_volumes) == (deployment.pk, False, True)
    number = VmidAllocation.objects.using("platform").get(vmid=deployment.vmid)
    assert number.quarantined_until == deployment.watched_until


def test_a_machine_that_is_back_is_told_and_its_volumes_stay_in_it(
    cloud: Cloud, forgotten: tuple[Deployment, Volume]
) -> None:
    deployment, volume = forgotten
    node_power(cloud, deployment.node, is_on=True)
    swept(cloud, times=2)
    back = finding("reappeared")
    assert (back.deployment_id, back.found["own_volumes"]) == (deployment.pk, ["data-1"])
    assert play.reloaded(volume).status == "error"


def test_volumes_are_let_go_once_the_machine_is_proven_gone(
    cloud: Cloud, forgotten: tuple[Deployment, Volume]
) -> None:
    deployment, volume = forgotten
    node_power(cloud, deployment.node, is_on=True)
    cloud.simulator.control("POST", "/remove-vm", {"vmid": deployment.vmid})

    def is_let_go() -> bool:
        swept(cloud)
        return play.reloaded(volume).status == "detached"

    wait_until(is_let_go)
    row = play.reloaded(volume)
    assert (row.status, row.deployment_id, row.slot, row.attention) == ("detached", None, "", None)
    assert play.books_balance()


def test_a_forgotten_machine_that_is_back_is_destroyed_and_its_volume_kept(
    cloud: Cloud, forgotten: tuple[Deployment, Volume]
) -> None:
    deployment, volume = forgotten
    node_power(cloud, deployment.node, is_on=True)
    swept(cloud, times=2)
    finding_destroy(actor=STAFF, finding_id=finding("reappeared").pk, typed=str(deployment.vmid))
    with pytest.raises(DeploymentBusy):
        finding_destroy(
            actor=STAFF, finding_id=finding("reappeared").pk, typed=str(deployment.vmid)
        )
    run_until_idle()
    row = play.reloaded(volume)
    (disk,) = play.disks(cloud, row)
    assert (row.status, row.deployment_id, disk["drives"]) == ("detached", None, [])
    assert cloud.simulator.vm(deployment.vmid) is None
    swept(cloud)
    assert (kinds("open"), scenes.reloaded(deployment).watched_until) == ([], None)


def test_destroying_wants_the_number_and_sends_nothing_without(
    cloud: Cloud, forgotten: tuple[Deployment, Volume]
) -> None:
    deployment, _volume = forgotten
    node_power(cloud, deployment.node, is_on=True)
    swept(cloud, times=2)
    position = cloud.simulator.log_position()
    with pytest.raises(InvalidInput):
        finding_destroy(actor=STAFF, finding_id=finding("reappeared").pk, typed="1")
    run_until_idle()
    assert cloud.simulator.mutations(position) == []


def test_an_adopted_machine_has_its_volumes_again(
    cloud: Cloud, forgotten: tuple[Deployment, Volume]
) -> None:
    deployment, volume = forgotten
    node_power(cloud, deployment.node, is_on=True)
    swept(cloud, times=2)
    request = AdoptionRequest(
        tenant="north", owner="ops-north", template=cloud.template.code, name="web-again"
    )
    adopted, _operation = finding_adopt(
        actor=STAFF, finding_id=finding("reappeared").pk, request=request
    )
    run_until_idle()
    row = play.reloaded(volume)
    assert (row.status, row.deployment_id, row.slot, row.attention) == (
        "attached",
        adopted.pk,
        "scsi1",
        None,
    )
    assert (scenes.reloaded(deployment).watched_until, play.books_balance()) == (None, True)
