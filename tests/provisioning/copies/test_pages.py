"""The pages of copies, without a browser: they work, and they say what is."""

from __future__ import annotations

from django.test import Client

from provisioning.models import BackupSchedule
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import running


def client_of(cloud: Cloud, role: str = "support") -> Client:
    client = Client()
    client.force_login(cloud.world.people[role])
    return client


def test_copies_are_asked_for_on_the_page_of_their_machine(cloud: Cloud) -> None:
    deployment = running(cloud)
    client, page = client_of(cloud), f"/deployments/{deployment.pk}"

    taken = client.post(f"{page}/copies/snapshot", {"name": "before-update"})
    run_until_idle()
    made = client.post(f"{page}/copies/backup", {"mode": "snapshot", "notes": "By hand"})
    run_until_idle()

    shown = client.get(f"{page}?tab=copies").content.decode()
    assert (taken.status_code, made.status_code) == (303, 303)
    assert "before-update" in shown
    assert "By hand" in shown


def test_a_viewer_sees_copies_and_makes_none(cloud: Cloud) -> None:
    deployment = running(cloud)
    client, page = client_of(cloud, "viewer"), f"/deployments/{deployment.pk}"

    shown = client.get(f"{page}?tab=copies").content.decode()
    refused = client.post(f"{page}/copies/backup", {"mode": "snapshot"})

    assert refused.status_code == 403
    assert 'commandfor="backup-new"' not in shown
    assert scenes.archives(cloud) == []


def test_a_backup_has_a_page_of_its_own(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud), notes="Monthly")
    client = client_of(cloud)

    listed = client.get("/backups").content.decode()
    shown = client.get(f"/backups/{backup.pk}").content.decode()
    client.post(f"/backups/{backup.pk}/protect")
    refused = client.post(f"/backups/{backup.pk}/delete", follow=True).content.decode()

    assert f"/backups/{backup.pk}" in listed
    assert backup.volume_id in shown
    assert "Stop the deployment first." in shown
    assert "The backup is protected. Lift the protection first." in refused
    assert scenes.backup_of(backup).status == "complete"


def test_another_organisations_backup_is_not_there(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))
    assert cloud.world.stranger is not None
    client = Client()
    client.force_login(cloud.world.stranger)

    assert client.get(f"/backups/{backup.pk}").status_code == 404
    assert client.post(f"/backups/{backup.pk}/delete").status_code == 404
    assert scenes.archives(cloud) == [backup.volume_id]


def test_a_schedule_is_set_paused_and_deleted(cloud: Cloud) -> None:
    deployment = running(cloud)
    client = client_of(cloud)
    wanted = {
        "name": "Nightly",
        "deployment_id": str(deployment.pk),
        "cron": "30 2 * * *",
        "time_zone": "Europe/Paris",
        "keep_last": "3",
    }

    client.post("/backups/schedules", wanted)
    schedule = BackupSchedule.across_tenants.get(name="Nightly")
    shown = client.get("/backups").content.decode()
    client.post(f"/backups/schedules/{schedule.pk}/pause")
    paused = BackupSchedule.across_tenants.get(pk=schedule.pk)
    client.post(f"/backups/schedules/{schedule.pk}/delete")

    assert "Nightly" in shown
    assert (schedule.keep_last, schedule.next_at is not None) == (3, True)
    assert (paused.is_active, paused.next_at) == (False, None)
    assert not BackupSchedule.across_tenants.exists()
