"""The demo's cast: people, templates, machines. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Password is the user name; one membership each."""

    username: str
    display_name: str
    role: str
    tenant: str
    is_platform_admin: bool = False


@dataclass(frozen=True, slots=True)
class DemoTemplate:
    """A template of P1."""

    code: str
    name: str
    type: str
    icon: str
    vmid: int
    description: str
    tags: tuple[str, ...]
    figures: tuple[int, int, int]
    largest: tuple[int, int, int] = (8, 16_384, 200)
    app_stack: str = ""
    options: tuple[dict[str, Any], ...] = ()
    rate_base_hour: Decimal = Decimal("0.004")
    has_cloud_init: bool = True


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """A machine and what is done with it once it is there: stop, hold, delete, expire or nothing."""

    name: str
    template: str
    owner: str
    then: str = ""
    tags: tuple[str, ...] = ()
    ttl_hours: int = 72
    is_live: bool = False


TENANTS: Final = (("uhub", "uHub"), ("nova", "Nova Hosting"))
QUOTAS: Final = {
    "uhub": {"deployments": 24, "cpu_cores": 48, "memory_mb": 98_304, "disk_gb": 1000},
}

PEOPLE: Final = (
    DemoPerson("demo-admin", "Alice MARTIN", "admin", "uhub", is_platform_admin=True),
    DemoPerson("demo-projets", "Paul BERNARD", "projets", "uhub"),
    DemoPerson("demo-dev", "Dora PETIT", "dev", "uhub"),
    DemoPerson("demo-ops", "Omar DURAND", "ops", "uhub"),
    DemoPerson("demo-support", "Sophie LEROY", "support", "uhub"),
    DemoPerson("demo-viewer", "Victor MOREAU", "viewer", "uhub"),
    DemoPerson("demo-nova", "Nora GARNIER", "admin", "nova"),
)

_DATABASE: Final = {
    "key": "database",
    "label": "Database",
    "type": "choice",
    "choices": ["none", "mariadb", "postgresql"],
    "default": "none",
}
_REDIS: Final = {"key": "redis", "label": "Install Redis", "type": "boolean", "default": False}

TEMPLATES: Final = (
    DemoTemplate("turnkey-pbx", "Turnkey PBX", "app", "phone", 9001,
        "Telephone exchange ready to test: extensions, voice mail, conference room.",
        ("pbx", "voip"), (2, 2048, 20), app_stack="pbx", rate_base_hour=Decimal("0.012"),
        options=({"key": "extensions", "label": "Extensions", "type": "choice",
                  "choices": ["10", "50", "200"], "default": "10"},)),
    DemoTemplate("windows-support", "Windows support client", "os", "monitor", 9002,
        "Windows desktop with remote assistance and the support tools.",
        ("windows", "desktop"), (4, 8192, 60), (8, 32_768, 250), rate_base_hour=Decimal("0.035"),
        has_cloud_init=False),
    DemoTemplate("linux-utility", "Linux utility VM", "os", "square-terminal", 9003,
        "Small Linux machine with network and diagnosis tools.",
        ("linux", "tools"), (1, 1024, 12)),
    DemoTemplate("ubuntu", "Ubuntu Server 24.04", "os", "server", 9004,
        "Long-term release, hardened, with cloud-init.", ("linux", "ubuntu"), (2, 2048, 20)),
    DemoTemplate("debian", "Debian 12", "os", "server", 9005,
        "Stable base system, hardened, with cloud-init.", ("linux", "debian"), (2, 2048, 20)),
    DemoTemplate("wordpress", "WordPress", "app", "newspaper", 9006,
        "WordPress behind nginx, with its own database.", ("web", "cms"), (2, 4096, 30),
        app_stack="wordpress", options=(_DATABASE | {"default": "mariadb"}, _REDIS),
        rate_base_hour=Decimal("0.008")),
    DemoTemplate("laravel", "Laravel", "app", "package", 9007,
        "PHP application server with queue worker and scheduler.", ("web", "php"), (2, 4096, 30),
        app_stack="laravel", options=(_DATABASE, _REDIS), rate_base_hour=Decimal("0.008")),
    DemoTemplate("node", "Node.js", "app", "hexagon", 9008,
        "Node.js runtime behind nginx with process manager.", ("web", "javascript"), (2, 2048, 25),
        app_stack="node", options=(_DATABASE, _REDIS), rate_base_hour=Decimal("0.006")),
)  # fmt: skip

WITHDRAWN: Final = DemoTemplate("legacy-appliance", "Legacy appliance", "app", "archive", 9099,
    "Withdrawn: its source is gone from the cluster.", ("legacy",), (1, 1024, 10))  # fmt: skip

MACHINES: Final = (
    DemoMachine("pbx-paris", "turnkey-pbx", "demo-support", tags=("customer-104",)),
    DemoMachine("pbx-lyon", "turnkey-pbx", "demo-support", then="stop", tags=("customer-221",)),
    DemoMachine("win-helpdesk", "windows-support", "demo-support", ttl_hours=24),
    DemoMachine("tools-ops", "linux-utility", "demo-ops", then="hold"),
    DemoMachine("web-intranet", "wordpress", "demo-ops", tags=("intranet",), ttl_hours=336),
    DemoMachine("api-staging", "node", "demo-dev", tags=("staging",), ttl_hours=168, is_live=True),
    DemoMachine("shop-preview", "laravel", "demo-dev", then="stop"),
    DemoMachine("debug-104", "debian", "demo-support", then="delete"),
    DemoMachine("old-appliance", "legacy-appliance", "demo-ops"),
    DemoMachine("bastion-1", "debian", "demo-nova"),
    DemoMachine("blog-nova", "wordpress", "demo-nova", ttl_hours=240, is_live=True),
    DemoMachine("pbx-nova", "turnkey-pbx", "demo-nova", then="stop"),
    DemoMachine("pbx-training", "turnkey-pbx", "demo-support", is_live=True),
    DemoMachine("ubuntu-ci", "ubuntu", "demo-ops", is_live=True),
)
