"""For each kind of operation one that was asked for as in life, and how one sees that its work was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from django.core import mail
from django.db import transaction

from integrations.proxmox.interface import PowerState
from integrations.services.secrets import secret_store
from integrations.vault.errors import SecretMissing
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.mail import MailReference, mail_enqueue
from portal.services.operations import operation_enqueue
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Bootstrap, Deployment, DnsRecord, Finding, Volume
from provisioning.services import creation, decisions, lifecycle, volumes
from provisioning.services.bootstraps import bootstrap_retry
from provisioning.services.dns import records
from provisioning.services.hook_runs import HOOK_EXECUTE
from provisioning.services.operations import OperationType
from tests.engine import run_until_idle
from tests.factories.provisioning import DnsServerFactory, DnsZoneFactory
from tests.provisioning import volume_scenes
from tests.provisioning.copies import retry_scenes as copies
from tests.provisioning.retry_stage import Done, Stage, failed
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import finding
from tests.provisioning.webhook_scenes import webhook_to

Scene = Callable[[Stage], tuple[Operation, Done | None]]
"""What was asked for, and whether its work is done; None where a retry is always refused."""


def provision(stage: Stage) -> tuple[Operation, Done]:
    person = stage.world.people["support"]
    request = DeploymentRequest(template="twin-linux", name="web-1")
    operation = stage.asked(
        creation.deployment_create,
        tenant_id=stage.world.north.pk,
        owner_id=person.pk,
        request=request,
    )
    return operation, lambda: Deployment.across_tenants.get().status == "running"


def start(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment(status="stopped")
    operation = stage.asked(lifecycle.deployment_start, deployment_id=row.pk)
    return (
        operation,
        lambda: (reloaded(row).status, stage.power(row)) == ("running", PowerState.RUNNING),
    )


def stop(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(lifecycle.deployment_stop, deployment_id=row.pk, mode="force")
    return (
        operation,
        lambda: (reloaded(row).status, stage.power(row)) == ("stopped", PowerState.STOPPED),
    )


def restart(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(lifecycle.deployment_restart, deployment_id=row.pk)
    return (
        operation,
        lambda: (
            reloaded(row).status == "running"
            and any(call.method == "reboot_submit" for call in stage.fake.calls)
        ),
    )


def resize(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(lifecycle.deployment_resize, deployment_id=row.pk, memory_mb=4096)
    return operation, lambda: stage.fake.guest_config(row.node, row.vmid).memory_mb == 4096


def protect(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    stage.asked(lifecycle.deployment_change, role="admin", deployment_id=row.pk, hold=True)
    operation = Operation.across_tenants.get(type="pod.protect")
    return operation, lambda: stage.fake.guest_config(row.node, row.vmid).is_protected


def destroy(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(lifecycle.deployment_delete, deployment_id=row.pk)
    return (
        operation,
        lambda: reloaded(row).status == "deleted" and stage.fake.guest_find(row.vmid) is None,
    )


def adopt(stage: Stage) -> tuple[Operation, None]:
    row = stage.deployment(status="provisioning", ready_at=None)
    return stage.enqueued(row, OperationType.ADOPT, marker_before=None), None


def reapply(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    stage.fake.guest_change(row.vmid, cores=3)
    stage.sweep()
    operation = stage.asked(decisions.finding_reapply, role="ops", finding_id=finding("drift").pk)
    return (
        operation,
        lambda: (
            stage.fake.guest_config(row.node, row.vmid).cores == row.cpu_cores
            and finding("drift").resolution == "reapplied"
        ),
    )


def heal(stage: Stage) -> tuple[Operation, None]:
    row = stage.deployment()
    told = {"action": "start", "power": "running", "since": clock.now().isoformat()}
    return stage.enqueued(row, OperationType.HEAL, attempt_id=str(uuid4()), **told), None


def bootstrap(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    with tenant_scope(row.tenant_id), transaction.atomic():
        installation = Bootstrap.objects.create(
            tenant_id=row.tenant_id, deployment=row, document="runcmd: [echo done]", status="failed"
        )
    stage.fake.guest_change(row.vmid, has_agent=True)
    operation = stage.asked(bootstrap_retry, deployment_id=row.pk)
    return operation, lambda: Bootstrap.across_tenants.get(pk=installation.pk).status == "done"


def secrets_forget(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment(status="deleted", deleted_at=clock.now())
    path = f"deployments/{row.pk}/bootstrap"
    with tenant_scope(row.tenant_id), transaction.atomic():
        Bootstrap.objects.create(
            tenant_id=row.tenant_id, deployment=row, document="secrets: [a]", secrets_path=path
        )
    secret_store().put(path, {"a": "s3cret"})
    return stage.enqueued(row, OperationType.SECRETS_FORGET), lambda: not _is_kept(path)


def _is_kept(path: str) -> bool:
    try:
        secret_store().get(path)
    except SecretMissing:
        return False
    return True


def volume_create(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(volumes.volume_create, deployment_id=row.pk, name="data-1", size_gb=5)
    key = operation.target_id

    def done() -> bool:
        volume = Volume.across_tenants.get(pk=key)
        return (volume.status, stage.drives(volume)) == ("attached", [row.vmid])

    return operation, done


def volume_attach(stage: Stage) -> tuple[Operation, Done]:
    volume = stage.volume(is_attached=False)
    operation = stage.asked(volumes.volume_attach, volume_id=volume.pk)
    return (
        operation,
        lambda: (
            volume_scenes.reloaded(volume).status == "attached" and len(stage.drives(volume)) == 1
        ),
    )


def volume_detach(stage: Stage) -> tuple[Operation, Done]:
    volume = stage.volume()
    operation = stage.asked(volumes.volume_detach, volume_id=volume.pk)
    return (
        operation,
        lambda: volume_scenes.reloaded(volume).status == "detached" and stage.drives(volume) == [],
    )


def volume_resize(stage: Stage) -> tuple[Operation, Done]:
    volume = stage.volume()
    operation = stage.asked(volumes.volume_resize, volume_id=volume.pk, size_gb=50)
    return (
        operation,
        lambda: (volume_scenes.reloaded(volume).size_gb, stage.drive_gb(volume)) == (50, 50),
    )


def volume_delete(stage: Stage) -> tuple[Operation, Done]:
    volume = stage.volume()
    operation = stage.asked(volumes.volume_delete, volume_id=volume.pk)
    return (
        operation,
        lambda: (
            volume_scenes.reloaded(volume).status == "deleted"
            and volume.proxmox_volume_id not in stage.fake._stored
        ),
    )


def _record(stage: Stage) -> tuple[DnsRecord, Operation]:
    DnsZoneFactory(server=DnsServerFactory(), name="demo.test", is_default=True)
    stage.names.zone_ensure("demo.test", nameservers=())
    row = stage.deployment(ip_addresses=["10.0.0.7"])
    with tenant_scope(row.tenant_id), transaction.atomic():
        record, operation = records.record_add(
            actor=stage.world.actor("support"), deployment_id=row.pk, hostname="web.demo.test"
        )
    assert operation is not None
    return record, operation


def _named(stage: Stage) -> list[str]:
    return [name for name, _type in stage.names.zones["demo.test"]]


def name_create(stage: Stage) -> tuple[Operation, Done]:
    return _record(stage)[1], lambda: _named(stage) == ["web.demo.test"]


def name_update(stage: Stage) -> tuple[Operation, Done]:
    record, operation = _record(stage)
    failed(operation)
    key = {"deployment_id": record.deployment_id, "record_id": record.pk}
    again = stage.asked(records.record_set_again, **key)
    return again, lambda: _named(stage) == ["web.demo.test"]


def name_delete(stage: Stage) -> tuple[Operation, Done]:
    record, _operation = _record(stage)
    run_until_idle()
    key = {"deployment_id": record.deployment_id, "record_id": record.pk}
    return stage.asked(
        records.record_remove, **key
    ), lambda: _named(stage) == [] and DnsRecord.across_tenants.get().status == "removed"


def _decided(stage: Stage, kind: str, type_: OperationType, **payload: Any) -> Operation:
    """An operation about a finding that was closed before it is tried again."""
    row = stage.deployment()
    with tenant_scope(row.tenant_id), transaction.atomic():
        found = Finding.objects.create(
            tenant_id=row.tenant_id,
            cluster=stage.cluster,
            vmid=row.vmid,
            kind=kind,
            status="resolved",
            found={},
            first_seen_at=clock.now(),
            last_seen_at=clock.now(),
        )
    return stage.enqueued(row, type_, finding_id=str(found.pk), **payload)


def names_clear(stage: Stage) -> tuple[Operation, None]:
    return _decided(stage, "stale_record", OperationType.DNS_CLEAR, names=[]), None


def disks_free(stage: Stage) -> tuple[Operation, None]:
    return _decided(stage, "orphan_disk", OperationType.DISKS_FREE, volumes=[]), None


def destroy_forgotten(stage: Stage) -> tuple[Operation, None]:
    return _decided(stage, "reappeared", OperationType.DESTROY_FORGOTTEN), None


def hook_execute(stage: Stage) -> tuple[Operation, None]:
    return _of_hooks(stage, HOOK_EXECUTE, run_id=str(uuid4())), None


def webhook_deliver(stage: Stage) -> tuple[Operation, None]:
    with tenant_scope(stage.world.north.pk):
        webhook, _key = webhook_to(stage.world, "https://receiver.example/in")
    return _of_hooks(stage, "webhook.deliver", webhook_id=str(webhook.pk)), None


def _of_hooks(stage: Stage, type_: str, **payload: Any) -> Operation:
    north = stage.world.north.pk
    with tenant_scope(north), transaction.atomic():
        return operation_enqueue(
            actor=Actor.system("hooks", tenant_id=north), type=type_, payload=payload
        )


def mail_send(stage: Stage) -> tuple[Operation, Done]:
    with tenant_scope(stage.world.north.pk), transaction.atomic():
        operation = mail_enqueue(
            actor=Actor.system("test"),
            recipient=stage.world.people["support"],
            template="provisioning/mail/alert.txt",
            values={},
            reference=MailReference("tests", uuid4()),
        )
    return operation, lambda: len(mail.outbox) == 1


SCENES: Final[dict[str, Scene]] = {
    "pod.provision": provision,
    "pod.start": start,
    "pod.stop": stop,
    "pod.restart": restart,
    "pod.resize": resize,
    "pod.protect": protect,
    "pod.destroy": destroy,
    "pod.adopt": adopt,
    "pod.reapply": reapply,
    "pod.heal": heal,
    "pod.bootstrap": bootstrap,
    "pod.secrets.forget": secrets_forget,
    "pod.destroy_forgotten": destroy_forgotten,
    "disks.free": disks_free,
    "volume.create": volume_create,
    "volume.attach": volume_attach,
    "volume.detach": volume_detach,
    "volume.resize": volume_resize,
    "volume.delete": volume_delete,
    "snapshot.create": copies.snapshot_create,
    "snapshot.rollback": copies.snapshot_rollback,
    "snapshot.delete": copies.snapshot_delete,
    "backup.create": copies.backup_create,
    "backup.restore": copies.backup_restore,
    "backup.delete": copies.backup_delete,
    "backup.prune": copies.backup_prune,
    "dns.create": name_create,
    "dns.update": name_update,
    "dns.delete": name_delete,
    "dns.clear": names_clear,
    "hook.execute": hook_execute,
    "webhook.deliver": webhook_deliver,
    "mail.send": mail_send,
}
ONLY_LOOK: Final = {
    "pod.refresh": "asks the guest's agent for addresses",
    "pod.health.check": "looks at machines",
    "cluster.observe": "lists a cluster",
    "backup.observe": "lists the storages of backups",
    "volume.settle": "looks at disks whose change waited for a restart",
    "dns.check": "compares a zone",
    "dns.test": "asks a name server for its version",
}
"""They change nothing outside: looking again is the work done, whatever there is to see."""
