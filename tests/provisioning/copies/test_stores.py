"""The sweeps: what storages show, what schedules begin, what retention thins out."""

from __future__ import annotations

import time
from datetime import timedelta

from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM
from provisioning.models import Backup, BackupSchedule, BackupStore
from provisioning.services.clusters import cluster_connection
from provisioning.services.copies import backups, schedules, stores
from tests.conftest import Cloud
from tests.engine import run_until_idle, wait_until
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import running


def looked(cloud: Cloud, backup: Backup) -> str:
    """One look at the backup's storage; answers the state it comes to."""
    hypervisor = hypervisor_for(cluster_connection(cloud.cluster))
    rows = list(Backup.across_tenants.select_related("cluster").filter(pk=backup.pk))
    stores.store_look(cloud.cluster, hypervisor, rows[0].storage, "", rows)
    return scenes.backup_of(backup).status


def long_absent(backup: Backup) -> None:
    Backup.objects.using(PLATFORM).filter(pk=backup.pk, absent_since__isnull=False).update(
        absent_since=clock.now() - timedelta(days=1)
    )


def scheduled(cloud: Cloud, deployment_id: object, **values: object) -> BackupSchedule:
    wanted = {"name": "Nightly", "cron": "30 2 * * *", "keep_last": 2} | values
    schedule: BackupSchedule = scenes.asked(
        cloud,
        schedules.schedule_create,
        tenant_id=cloud.world.north.pk,
        owner_id=cloud.world.people["support"].pk,
        deployment_id=deployment_id,
        **wanted,
    )
    return schedule


def due(schedule: BackupSchedule, *, days: int = 1) -> None:
    BackupSchedule.objects.using(PLATFORM).filter(pk=schedule.pk).update(
        next_at=clock.now() - timedelta(days=days)
    )


def test_an_archive_that_vanishes_is_missing_and_comes_back(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))
    path = f"/nodes/pve1/storage/backup/content/{backup.volume_id}"
    notes = {"notes": "uhub:0192f0c1-7a3b-7000-8000-00000000dead:b4d"}
    cloud.simulator.api("PUT", path, notes)

    first = looked(cloud, backup)
    long_absent(backup)
    second = looked(cloud, backup)
    cloud.simulator.api("PUT", path, {"notes": backup.marker})
    third = looked(cloud, backup)

    assert (first, second, third) == ("complete", "missing", "complete")


def test_a_storage_that_cannot_be_listed_makes_nothing_missing(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))
    cloud.simulator.control("POST", "/storage", {"name": "backup", "is_offline": True})

    found = looked(cloud, backup)
    cloud.simulator.control("POST", "/storage", {"name": "backup", "is_offline": False})

    store = BackupStore.objects.using(PLATFORM).get(name="backup")
    assert (found, scenes.backup_of(backup).absent_since) == ("complete", None)
    assert "is not online" in store.last_error


def test_an_outage_is_caught_up_with_once(cloud: Cloud) -> None:
    deployment = running(cloud)
    schedule = scheduled(cloud, deployment.pk)
    due(schedule, days=9)

    schedules.schedules_sweep()
    schedules.schedules_sweep()

    row = BackupSchedule.across_tenants.get(pk=schedule.pk)
    assert Backup.across_tenants.filter(schedule_id=schedule.pk).count() == 1
    assert row.next_at is not None
    assert row.next_at > clock.now()


def test_a_backup_that_still_runs_is_not_begun_again(cloud: Cloud) -> None:
    deployment = running(cloud)
    schedule = scheduled(cloud, deployment.pk)
    due(schedule)
    schedules.schedules_sweep()
    due(schedule)

    schedules.schedules_sweep()

    row = BackupSchedule.across_tenants.get(pk=schedule.pk)
    assert Backup.across_tenants.filter(schedule_id=schedule.pk).count() == 1
    assert row.last_note == "0 begun, 1 left out: their last backup is still under way"


def test_retention_thins_out_what_the_schedule_made_and_nothing_else(cloud: Cloud) -> None:
    deployment = running(cloud)
    by_hand = scenes.backed_up(cloud, deployment)
    schedule = scheduled(cloud, deployment.pk, keep_last=1)
    for number in range(3):
        due(schedule)
        schedules.schedules_sweep()
        run_until_idle()
        if number < 2:  # Archives are named by the second: the next one is to be younger.
            ended = int(time.time())
            wait_until(lambda ended=ended: int(time.time()) > ended)

    made = Backup.across_tenants.filter(schedule_id=schedule.pk).order_by("created_at")
    assert [row.status for row in made] == ["deleted", "deleted", "complete"]
    assert scenes.archives(cloud) == sorted([by_hand.volume_id, made[2].volume_id])


def test_a_protected_backup_outlives_its_retention(cloud: Cloud) -> None:
    deployment = running(cloud)
    schedule = scheduled(cloud, deployment.pk, keep_last=1)
    due(schedule)
    schedules.schedules_sweep()
    run_until_idle()
    first = Backup.across_tenants.get(schedule_id=schedule.pk)
    scenes.asked(cloud, backups.backup_change, backup_id=first.pk, is_protected=True)
    due(schedule)
    schedules.schedules_sweep()
    run_until_idle()

    assert scenes.backup_of(first).status == "complete"
    assert first.volume_id in scenes.archives(cloud)
