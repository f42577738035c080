"""Every page of uHub with something on it: what pictures, accessibility checks and budgets walk through."""

from __future__ import annotations

from dataclasses import dataclass

from portal.models import Operation
from tests.conftest import Cloud
from tests.e2e.furnishing import House, furnished


@dataclass(frozen=True, slots=True)
class Sight:
    """A page as somebody sees it; `role` None is nobody, `status` what it answers.

    `is_drawn`: figures over time or a screen are drawn on it, so it may load what draws them.
    `is_other_state`: it differs from another sight by a few words or fields: looked at in the soak.
    """

    name: str
    path: str
    role: str | None = "admin"
    status: int = 200
    is_drawn: bool = False
    is_other_state: bool = False


def sights_made(cloud: Cloud) -> list[Sight]:
    """All pages, in a house that is furnished for them."""
    house = furnished(cloud)
    return [
        *_first_sights(),
        *_machine_sights(house),
        *_creation_sights(),
        *_belongings_sights(house),
        *_watch_sights(house),
        *_hook_sights(house),
        *_work_sights(house),
        *_platform_sights(house),
    ]


def _first_sights() -> list[Sight]:
    """What everybody meets."""
    return [
        Sight("sign-in", "/sign-in", None),
        Sight("dashboard", "/"),
        Sight("dashboard-viewer", "/", "viewer", is_other_state=True),
        Sight("search", "/search?q=li"),
        Sight("search-none", "/search?q=nothing-is-called-so", is_other_state=True),
        Sight("notifications", "/notifications"),
        Sight("notification-settings", "/notifications/settings"),
        Sight("profile", "/profile"),
        Sight("password-change", "/password-change"),
        Sight("not-found", "/deployments/00000000-0000-7000-8000-00000000dead", status=404),
        Sight("refused", "/audit", "viewer", status=403),
    ]


def _machine_sights(house: House) -> list[Sight]:
    """Machines, and one with each of its tabs."""
    address = f"/deployments/{house.machine.pk}"
    return [
        Sight("deployments", "/deployments"),
        Sight("deployments-none", "/deployments?search=nothing-is-called-so", is_other_state=True),
        Sight("deployment", address),
        Sight("deployment-operations", f"{address}?tab=operations"),
        Sight("deployment-metrics", f"{address}?tab=metrics", is_drawn=True),
        Sight("deployment-lease", f"{address}?tab=lease", "ops"),
        Sight("deployment-health", f"{address}?tab=health"),
        Sight("deployment-costs", f"{address}?tab=costs"),
        Sight("deployment-copies", f"{address}?tab=copies"),
        Sight("deployment-volumes", f"{address}?tab=volumes"),
        Sight("deployment-names", f"{address}?tab=names", "ops"),
        Sight("deployment-hooks", f"{address}?tab=hooks"),
        Sight("deployment-activity", f"{address}?tab=activity"),
        Sight("deployment-transfer", f"{address}/transfer", "staff"),
        Sight("deployment-provisioning", f"/deployments/{house.fresh.pk}"),
        Sight("deployment-failed", f"/deployments/{house.others[-1].pk}"),
        Sight("console-stopped", f"/deployments/{house.others[1].pk}/console", is_drawn=True),
    ]


def _creation_sights() -> list[Sight]:
    """The way to a new machine."""
    return [
        Sight("deployment-choose", "/deployments/new"),
        Sight("deployment-resources", "/deployments/new/resources?template=linux-utility"),
        Sight("deployment-network", "/deployments/new/network?template=linux-utility"),
        Sight("deployment-review", "/deployments/new/review?template=linux-utility"),
        Sight("templates", "/templates"),
        Sight("template", "/templates/linux-utility"),
    ]


def _belongings_sights(house: House) -> list[Sight]:
    """Disks, copies and names of all machines, and who hands them over."""
    return [
        Sight("volumes", "/volumes"),
        Sight("volume", f"/volumes/{house.disks[0].pk}"),
        Sight("volume-viewer", f"/volumes/{house.disks[1].pk}", "viewer", is_other_state=True),
        Sight("backups", "/backups"),
        Sight("backup", f"/backups/{house.backup.pk}"),
        Sight("names", "/dns"),
        Sight("transfers", "/transfers"),
        Sight("offboarding", "/offboarding"),
    ]


def _watch_sights(house: House) -> list[Sight]:
    """Figures and thresholds."""
    return [
        Sight("servers", "/servers", "ops"),
        Sight("server", f"/servers/host/{house.host.pk}", "ops", is_drawn=True),
        Sight("server-new", "/servers/new", "ops"),
        Sight("server-token", f"/servers/host/{house.host.pk}/token", "ops"),
        Sight("alerts", "/alerts", "ops"),
        Sight("alert-rules", "/alerts/rules", "ops"),
        Sight("alert-rule", f"/alerts/rules/{house.alert_rule.pk}", "ops"),
    ]


def _hook_sights(house: House) -> list[Sight]:
    """What is called when something happens."""
    told = house.told
    return [
        Sight("hooks", "/hooks", "ops"),
        Sight("hook", f"/hooks/{told.hook.pk}"),
        Sight("hook-new", "/hooks/new"),
        Sight("hook-edit", f"/hooks/{told.hook.pk}/edit", is_other_state=True),
        Sight("hook-run", f"/hook-runs/{told.run.pk}"),
        Sight("webhooks", "/webhooks"),
        Sight("webhook", f"/webhooks/{told.webhook.pk}", "ops"),
        Sight("webhook-new", "/webhooks/new"),
        Sight("webhook-edit", f"/webhooks/{told.webhook.pk}/edit", is_other_state=True),
        Sight("webhook-message", f"/webhooks/{told.webhook.pk}/deliveries/{told.delivery.pk}"),
    ]


def _work_sights(house: House) -> list[Sight]:
    """What was done, is being done, and does not agree."""
    operations = Operation.objects.using("platform").filter(type="pod.provision")
    done = operations.get(target_id=house.machine.pk)
    begun = operations.get(target_id=house.fresh.pk)
    return [
        Sight("operations", "/operations"),
        Sight("operation", f"/operations/{done.pk}"),
        Sight("operation-waiting", f"/operations/{begun.pk}"),
        Sight("findings", "/findings"),
        Sight("finding", f"/findings/{house.drift.pk}"),
        Sight("finding-names", f"/findings/{house.stale.pk}"),
        Sight("audit", "/audit"),
    ]


def _platform_sights(house: House) -> list[Sight]:
    """Where it all runs, and what only staff see of how that fares."""
    return [
        Sight("components", "/ui", "staff", is_drawn=True),
        Sight("infrastructure", "/infrastructure", "ops"),
        Sight("windows", "/infrastructure/windows", "staff"),
        Sight("system-health", "/system-health", "staff"),
        Sight("system-event", f"/system-health/events/{house.event.pk}", "staff"),
        Sight("workers", "/workers", "staff"),
        Sight("stuck-work", "/stuck-work", "staff"),
        Sight("admin-overview", "/admin-overview", "staff"),
    ]
