"""One object of every kind, for the addresses that name one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, Team, TeamMember
from portal.services.operations import operation_enqueue
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import (
    Deployment,
    DnsRecord,
    ExtensionRequest,
    Finding,
    Node,
    OwnershipTransfer,
)
from provisioning.services.creation import deployment_create
from provisioning.services.leases import deployment_extend
from provisioning.services.windows import window_plan_new
from tests import kinds
from tests.architecture.figures import alert_of, host_of, rule_of
from tests.calls import witnessed
from tests.conftest import World
from tests.factories.accounts import TeamFactory
from tests.factories.copies import paper_backup, paper_schedule, paper_snapshot
from tests.factories.names import names_made, zones_made
from tests.factories.provisioning import ClusterFactory, TemplateFactory, VolumeFactory
from tests.provisioning.hook_scenes import HookSights, hook_spare, hooks_made, webhook_spare


@dataclass
class Scene:
    """A deployment of the support agent of `north`, with its operation and audit entry."""

    world: World
    deployment: Deployment
    operation: Operation
    entry: Entry
    extension: ExtensionRequest
    teams: tuple[Team, Team]
    name: DnsRecord
    session: str = ""
    finding_id: str = ""
    notice: str = str(UUID(int=0))
    saved_filter: str = str(UUID(int=0))
    bulk_key: str = str(UUID(int=0))
    transfer_id: str = str(UUID(int=0))
    snapshot_id: str = str(UUID(int=0))
    backup_id: str = str(UUID(int=0))
    schedule_id: str = str(UUID(int=0))
    window_id: str = str(UUID(int=0))
    volume_id: str = str(UUID(int=0))
    hosts: tuple[UUID, ...] = ()
    rules: tuple[UUID, ...] = ()
    alert: UUID | None = None
    hooks: HookSights | None = None
    # What a route deletes, by its kind and its name: others still ask for the first.
    spares: dict[tuple[str, str], UUID] = field(default_factory=dict)
    # Operations that were given up, one for each route that does something about them.
    given_up: dict[str, UUID] = field(default_factory=dict)

    @property
    def node_id(self) -> UUID:
        """The node of the deployment."""
        nodes = Node.objects.using("platform").filter(cluster_id=self.deployment.cluster_id)
        return nodes.get(name=self.deployment.node).pk

    def client(self, persona: str) -> Client:
        client = Client(raise_request_exception=False)
        if persona == "outsider":
            assert self.world.stranger is not None
            client.force_login(self.world.stranger)
        elif persona != "anonymous":
            client.force_login(self.world.people[persona])
        return client


def scene_made(world: World) -> Iterator[Scene]:
    """The scene; nothing done with it may call anybody."""
    TemplateFactory(code="wordpress", cluster=ClusterFactory(), bootstrap="secrets: [word]")
    with tenant_scope(world.north.pk):
        deployment, operation = deployment_create(
            actor=world.actor("support"),
            tenant_id=world.north.pk,
            owner_id=world.people["support"].pk,
            request=DeploymentRequest(template="wordpress", name="web-1"),
        )
        place = TeamMember(tenant=world.north, user=world.people["support"])
        teams = (TeamFactory(tenant=world.north), TeamFactory(tenant=world.north))
        place.team = teams[0]
        place.save(using="platform")
    entry = Entry.objects.using("platform").get(target_id=str(deployment.pk))
    with tenant_scope(world.north.pk):
        _, extension = deployment_extend(
            actor=world.actor("support"), deployment_id=deployment.pk, hours=400, reason="tests"
        )
    assert extension is not None
    with witnessed() as witness:
        found = str(drift_of(deployment).pk)
        name = names_made(zones_made(organisation=world.north), deployment)[-1]
        rest = (str(uuid7()), found)
        made = Scene(world, deployment, operation, entry, extension, teams, name, *rest)
        made.hooks = hooks_made(world, deployment)
        made.transfer_id, made.window_id = str(offer_of(made)), str(window_of(made))
        made.snapshot_id = str(paper_snapshot(deployment).pk)
        made.backup_id = str(paper_backup(deployment).pk)
        made.schedule_id = str(paper_schedule(deployment).pk)
        made.spares = {
            ("backup-schedules", "destroy"): paper_schedule(deployment).pk,
            ("hooks", "destroy"): hook_spare(world, "First of yesterday").pk,
            ("hooks", "HookDelete"): hook_spare(world, "Second of yesterday").pk,
            ("webhooks", "destroy"): webhook_spare(world).pk,
        }
        made.given_up = {name: given_up_of(world) for name in REMEDIES}
        made.hosts = tuple(host_of(world) for _ in range(2))
        made.rules = tuple(rule_of(world) for _ in range(3))
        made.alert = alert_of(world)
        with tenant_scope(world.north.pk), transaction.atomic():
            made.volume_id = str(VolumeFactory(deployment=deployment).pk)
        yield made
    assert witness.calls == []


def offer_of(scene: Scene) -> UUID:
    """The machine offered to its own owner, who alone can answer."""
    owner = scene.world.people["support"]
    row = OwnershipTransfer.objects.using("platform").create(
        tenant=scene.world.north,
        deployment=scene.deployment,
        requester=owner,
        from_owner=owner,
        to_owner=owner,
        expires_at=clock.now() + timedelta(days=1),
    )
    return row.pk


REMEDIES = ("retry", "rollback", "dismiss", "force", "StuckCure")


def given_up_of(world: World) -> UUID:
    """An operation whose tries are used up."""
    with tenant_scope(world.north.pk), transaction.atomic():
        row = operation_enqueue(actor=Actor.system("test"), type=kinds.NOOP.type)
    Operation.objects.using("dispatch").filter(pk=row.pk).update(
        status="dead", completed_at=clock.now()
    )
    return row.pk


def window_of(scene: Scene) -> UUID:
    """Maintenance of its cluster, some day."""
    begin = clock.now() + timedelta(days=30)
    row = window_plan_new(
        actor=Actor.system("test"),
        cluster_id=scene.deployment.cluster_id,
        starts_at=begin,
        ends_at=begin + timedelta(hours=1),
        reason="Tests",
    )
    return row.pk


def drift_of(deployment: Deployment) -> Finding:
    """An open finding about a deployment."""
    now = clock.now()
    finding: Finding = Finding.across_tenants.create(
        tenant_id=deployment.tenant_id,
        cluster_id=deployment.cluster_id,
        vmid=deployment.vmid,
        kind="drift",
        status="open",
        deployment_id=deployment.pk,
        first_seen_at=now,
        last_seen_at=now,
    )
    return finding
