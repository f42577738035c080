"""The demo's machines: those that live, those that came and went, and what happens while one looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """A machine and what is done with it once it is there: stop, hold, delete or nothing.

    One that `is_live` is made by the demo's own workers while people look.
    """

    name: str
    template: str
    owner: str
    then: str = ""
    tags: tuple[str, ...] = ()
    ttl_hours: int = 72
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class PastMachine:
    """A machine that was made `made_days` days ago and lived `lived` before it was deleted."""

    name: str
    template: str
    owner: str
    made_days: float
    lived: timedelta


MACHINES: Final = (
    DemoMachine("pbx-paris", "turnkey-pbx", "demo-support", tags=("customer-104",)),
    DemoMachine("pbx-lyon", "turnkey-pbx", "demo-support", then="stop", tags=("customer-221",)),
    DemoMachine("pbx-nantes", "turnkey-pbx", "demo-support", tags=("customer-118",), ttl_hours=96),
    DemoMachine("pbx-lille", "turnkey-pbx", "demo-support", tags=("customer-342",), ttl_hours=30),
    DemoMachine("win-helpdesk", "windows-support", "demo-support", ttl_hours=24),
    DemoMachine("win-accounting", "windows-support", "demo-support", then="stop"),
    DemoMachine("tools-ops", "linux-utility", "demo-ops", then="hold"),
    DemoMachine("jump-ops", "linux-utility", "demo-ops", tags=("network",), ttl_hours=720),
    DemoMachine("syslog-1", "debian", "demo-ops", tags=("logs",), ttl_hours=720),
    DemoMachine("dns-lab", "debian", "demo-ops", tags=("network", "lab"), ttl_hours=48),
    DemoMachine("web-intranet", "wordpress", "demo-ops", tags=("intranet",), ttl_hours=336),
    DemoMachine("wiki", "wordpress", "demo-ops", tags=("intranet",), ttl_hours=500),
    DemoMachine("monitoring", "ubuntu", "demo-ops", tags=("metrics",), ttl_hours=720),
    DemoMachine("backup-test", "debian", "demo-ops", then="stop", tags=("lab",), ttl_hours=20),
    DemoMachine("api-staging", "node", "demo-dev", tags=("staging",), ttl_hours=168, is_live=True),
    DemoMachine("api-preview-41", "node", "demo-dev", tags=("preview",), ttl_hours=12),
    DemoMachine("api-preview-42", "node", "demo-dev", tags=("preview",), ttl_hours=18),
    DemoMachine("front-staging", "node", "demo-dev", tags=("staging",), ttl_hours=200),
    DemoMachine("shop-preview", "laravel", "demo-dev", then="stop"),
    DemoMachine("shop-staging", "laravel", "demo-dev", tags=("staging",), ttl_hours=150),
    DemoMachine("db-sandbox", "debian", "demo-dev", tags=("sandbox",), ttl_hours=40),
    DemoMachine("debug-104", "debian", "demo-support", then="delete"),
    DemoMachine("old-appliance", "legacy-appliance", "demo-ops"),
    DemoMachine("demo-crm", "laravel", "demo-projets", tags=("sales",), ttl_hours=60),
    DemoMachine("training-1", "ubuntu", "demo-projets", tags=("training",), ttl_hours=36),
    DemoMachine("training-2", "ubuntu", "demo-projets", tags=("training",), ttl_hours=36),
    DemoMachine("pbx-training", "turnkey-pbx", "demo-support", is_live=True),
    DemoMachine("ubuntu-ci", "ubuntu", "demo-ops", is_live=True),
    DemoMachine("bastion-1", "debian", "demo-nova", ttl_hours=720),
    DemoMachine("bastion-2", "debian", "demo-nova", ttl_hours=720),
    DemoMachine("blog-nova", "wordpress", "demo-nova", ttl_hours=240, is_live=True),
    DemoMachine("blog-client-7", "wordpress", "demo-nova", tags=("client-7",), ttl_hours=300),
    DemoMachine("blog-client-9", "wordpress", "demo-nova", tags=("client-9",), ttl_hours=280),
    DemoMachine("shop-client-3", "laravel", "demo-nova", tags=("client-3",), ttl_hours=400),
    DemoMachine("pbx-nova", "turnkey-pbx", "demo-nova", then="stop"),
    DemoMachine("mail-relay", "debian", "demo-nova", then="hold", ttl_hours=720),
    DemoMachine("node-api", "node", "demo-nova", tags=("client-3",), ttl_hours=90),
    DemoMachine("atelier-site", "wordpress", "demo-atelier", tags=("public",), ttl_hours=600),
    DemoMachine("atelier-preview", "node", "demo-atelier", tags=("preview",), ttl_hours=22),
    DemoMachine("atelier-files", "debian", "demo-atelier", then="hold", ttl_hours=720),
    DemoMachine("atelier-workshop", "ubuntu", "demo-atelier", then="stop", tags=("training",)),
    DemoMachine("atelier-render", "linux-utility", "demo-atelier", tags=("batch",), ttl_hours=48),
)

PAST: Final = (
    PastMachine("pbx-rennes", "turnkey-pbx", "demo-support", 20.3, timedelta(days=3)),
    PastMachine("win-audit", "windows-support", "demo-support", 18.6, timedelta(hours=30)),
    PastMachine("api-preview-33", "node", "demo-dev", 15.2, timedelta(hours=20)),
    PastMachine("api-preview-34", "node", "demo-dev", 13.9, timedelta(hours=26)),
    PastMachine("migration-test", "debian", "demo-ops", 12.4, timedelta(days=5)),
    PastMachine("pbx-tours", "turnkey-pbx", "demo-support", 10.1, timedelta(days=3)),
    PastMachine("training-0", "ubuntu", "demo-projets", 8.7, timedelta(days=2)),
    PastMachine("api-preview-38", "node", "demo-dev", 6.5, timedelta(hours=22)),
    PastMachine("dns-lab", "debian", "demo-ops", 5.8, timedelta(hours=44)),
    PastMachine("blog-client-4", "wordpress", "demo-nova", 5.1, timedelta(days=4)),
    PastMachine("node-api-old", "node", "demo-nova", 4.4, timedelta(days=2)),
    PastMachine("api-preview-39", "node", "demo-dev", 3.6, timedelta(hours=19)),
    PastMachine("atelier-demo", "laravel", "demo-atelier", 3.1, timedelta(hours=50)),
    PastMachine("win-loan", "windows-support", "demo-support", 2.7, timedelta(hours=25)),
    PastMachine("api-preview-40", "node", "demo-dev", 2.2, timedelta(hours=21)),
    PastMachine("shop-client-2", "laravel", "demo-nova", 1.9, timedelta(hours=28)),
    PastMachine("debug-88", "linux-utility", "demo-support", 1.1, timedelta(hours=6)),
    PastMachine("pbx-metz", "turnkey-pbx", "demo-support", 0.6, timedelta(hours=5)),
)

# What somebody does every so often: who, on which machine. `cycle` makes one and removes the last.
CYCLED: Final = (
    DemoMachine("build", "linux-utility", "demo-nova", tags=("ci",), ttl_hours=6),
    DemoMachine("render", "linux-utility", "demo-atelier", tags=("ci",), ttl_hours=6),
)
SWITCHED: Final = ("atelier-render", "backup-test", "node-api", "pbx-nova")
PROLONGED: Final = ("win-helpdesk", "api-preview-42", "atelier-preview")
