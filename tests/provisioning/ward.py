"""A ward: a cluster in memory whose machines are looked at and healed as often as a test wants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from integrations.proxmox.interface import PowerState
from integrations.services import hypervisors
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.services.settings import setting_change
from provisioning.models import Cluster, Deployment, HealAttempt, HealthState
from provisioning.services import health_checks
from provisioning.services.clusters import cluster_connection
from provisioning.services.listing import listing_store
from tests.conftest import World
from tests.engine import run_until_idle
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import Twin

WRITES = ("start_submit", "stop_submit")


class Ward(Twin):
    """A twin that workers reach, with healing switched on and no pause between healings."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        hypervisors._clients[cluster_connection(self.cluster)] = self.fake
        self.rule("auto_heal.enabled", True)
        self.rule("auto_heal.backoff_minutes", 0)
        self.rule("auto_heal.circuit_minimum", 100)

    def rule(self, key: str, value: Any) -> None:
        setting_change(actor=Actor.system("test"), name=f"cloudpods.{key}", value=value)

    def deployment(self, name: str = "web-1", **fields: Any) -> Deployment:
        """A running machine that people want to run, with a lease of days."""
        values: dict[str, Any] = {
            "desired_power": "running",
            "expires_at": clock.now() + timedelta(days=3),
        }
        return super().deployment(name, **(values | fields))

    def power(self, row: Deployment, power: PowerState) -> None:
        """Somebody or something switches a machine off or on."""
        self.fake._power(row.vmid, power)

    def fails(self, row: Deployment) -> None:
        self.power(row, PowerState.STOPPED)

    def listed(self) -> None:
        """The cluster is listed, as every few seconds."""
        listing_store(self.cluster, self.fake.listing())

    def look(self, times: int = 1, *, is_listed: bool = True) -> None:
        """Everything due is looked at, and what follows from that is done."""
        for _ in range(times):
            if is_listed:
                self.listed()
            HealthState.objects.using("platform").update(due_at=clock.now())
            health_checks.health_schedule()
            run_until_idle()

    def unheard(self, *rows: Deployment, times: int = 3) -> None:
        """Looks at machines that are off while nothing is healed, so that they count as unwell."""
        self.rule("auto_heal.enabled", False)
        for row in rows:
            self.fails(row)
        self.look(times)
        self.rule("auto_heal.enabled", True)

    def state(self, row: Deployment) -> HealthState:
        return HealthState.across_tenants.get(deployment=row)

    def attempts(self, row: Deployment) -> list[str]:
        """How the healings of a machine ended, the first one first."""
        rows = HealAttempt.across_tenants.filter(deployment=row).order_by("pk")
        return list(rows.values_list("status", flat=True))

    def sent(self) -> list[str]:
        """The calls that changed a machine's power."""
        return [call.method for call in self.fake.calls if call.method in WRITES]

    def cluster_now(self) -> Cluster:
        return Cluster.objects.using("platform").get(pk=self.cluster.pk)


def health(row: Deployment) -> str:
    return reloaded(row).health
