"""The last backup: made before a deletion that a person or a lease's end asks for, which waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.settings import setting_change
from provisioning.models import Backup, Deployment
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import paper
from tests.provisioning.copies import scenes
from tests.provisioning.lease_scenes import HOUR, swept
from tests.provisioning.scenes import reloaded, running
from tests.provisioning.test_lease_api import api

FLAG = "is_backed_up_first=true"
SETTING = "cloudpods.backup.final_before_lease_deletion"


def backup_rows() -> list[tuple[str, str]]:
    rows = Backup.across_tenants.order_by("created_at", "id")
    return list(rows.values_list("kind", "status"))


def begun(cloud: Cloud, *kinds: str) -> list[str]:
    """Those kinds of tasks, in the order the cluster began them."""
    rows = sorted(cloud.simulator.state()["tasks"], key=lambda row: row["starttime"])
    return [kind for row in rows for kind in kinds if f":{kind}:" in row["upid"]]


def delete(
    cloud: Cloud, row: Deployment, query: str = FLAG, *, role: str = "support"
) -> tuple[int, Any]:
    """What the API answers to the deletion."""
    return api(cloud.world, role, "delete", f"deployments/{row.pk}?{query}")


def storage_fills_up(cloud: Cloud) -> None:
    cloud.simulator.fault("storage_full", match={"storage": "backup"}, count=0)


def last_backup_is_set() -> None:
    setting_change(actor=Actor.system("test"), name=SETTING, value=True)


def lease_over(cloud: Cloud) -> Deployment:
    """A machine that runs, whose deletion is due and was warned of in time."""
    row = running(cloud)
    now = clock.now()
    with tenant_scope(row.tenant_id), transaction.atomic():
        Deployment.objects.filter(pk=row.pk).update(
            expires_at=now - timedelta(days=3),
            expired_at=now - timedelta(days=3),
            delete_after=now - HOUR,
        )
    row = reloaded(row)
    paper.warned(row)
    return row


def test_a_deletion_over_the_api_waits_for_its_last_backup(cloud: Cloud) -> None:
    deployment = running(cloud)

    status, body = delete(cloud, deployment)
    asked = (status, body["status"], backup_rows())
    run_until_idle()

    assert asked == (202, "running", [("final", "pending")])
    operation = Operation.across_tenants.get(pk=body["operation"]["id"])
    assert (operation.type, operation.status) == ("backup.create", "completed")
    (backup,) = Backup.across_tenants.all()
    assert (reloaded(deployment).status, backup.status) == ("deleted", "complete")
    assert (backup.is_protected, scenes.archives(cloud)) == (True, [backup.volume_id])
    assert begun(cloud, "vzdump", "qmdestroy") == ["vzdump", "qmdestroy"]


def test_the_dialog_of_a_deletion_asks_for_a_last_backup(cloud: Cloud) -> None:
    deployment = running(cloud)
    client = Client()
    client.force_login(cloud.world.people["support"])
    page = f"/deployments/{deployment.pk}"
    assert 'name="is_backed_up_first"' in client.get(page).content.decode()

    client.post(f"{page}/delete", {"name": "web-1", "is_backed_up_first": "on"})
    run_until_idle()

    assert (reloaded(deployment).status, backup_rows()) == ("deleted", [("final", "complete")])


def test_a_last_backup_that_fails_deletes_nothing(cloud: Cloud) -> None:
    deployment = running(cloud)
    storage_fills_up(cloud)

    delete(cloud, deployment)
    run_until_idle()

    assert (reloaded(deployment).status, backup_rows()) == ("running", [("final", "failed")])
    assert begun(cloud, "qmstop", "qmshutdown", "qmdestroy") == []


@pytest.mark.parametrize(
    ("role", "query", "status"),
    [("viewer", FLAG, 403), ("support", "is_backed_up_first=yes", 400)],
)
def test_a_last_backup_that_is_refused_changes_nothing(
    cloud: Cloud, role: str, query: str, status: int
) -> None:
    deployment = running(cloud)
    since = cloud.simulator.log_position()

    assert delete(cloud, deployment, query, role=role)[0] == status
    run_until_idle()

    assert (reloaded(deployment).status, backup_rows()) == ("running", [])
    assert cloud.simulator.mutations(since) == []


def test_two_deletions_wait_for_one_last_backup(cloud: Cloud) -> None:
    deployment = running(cloud)

    answers = [delete(cloud, deployment)[0] for _ in range(2)]
    run_until_idle()

    assert answers == [202, 409]
    assert (reloaded(deployment).status, len(scenes.archives(cloud))) == ("deleted", 1)


def test_a_lease_that_ends_deletes_without_a_backup_unless_it_is_set(cloud: Cloud) -> None:
    row = lease_over(cloud)

    swept()

    assert (reloaded(row).status, backup_rows()) == ("deleted", [])


def test_a_lease_that_ends_waits_for_the_last_backup(cloud: Cloud) -> None:
    last_backup_is_set()
    row = lease_over(cloud)

    swept()
    first = (reloaded(row).status, backup_rows())
    swept()

    assert first == ("running", [("final", "complete")])
    assert (reloaded(row).status, len(scenes.archives(cloud))) == ("deleted", 1)


def test_a_lease_whose_last_backup_fails_deletes_nothing_and_tries_every_hour(
    cloud: Cloud,
) -> None:
    last_backup_is_set()
    row = lease_over(cloud)
    storage_fills_up(cloud)
    swept(2)
    failed = (reloaded(row).status, backup_rows())
    cloud.simulator.clear_faults()

    with clock.travelled(61 * HOUR / 60):
        swept()
        again = (reloaded(row).status, backup_rows())
        swept()

    assert failed == ("running", [("final", "failed")])
    assert again == ("running", [("final", "failed"), ("final", "complete")])
    assert reloaded(row).status == "deleted"
