"""The demo's cast: tenants, people, templates. Data only; its machines stand in `demo_machines`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

ZONE: Final = "demo.uhub.local"
REVERSE_ZONE: Final = "10.in-addr.arpa"


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


TENANTS: Final = (
    ("uhub", "uHub"),
    ("nova", "Nova Hosting"),
    ("atelier", "Atelier Numérique"),
)
QUOTAS: Final = {
    "uhub": {"deployments": 60, "cpu_cores": 160, "memory_mb": 393_216, "disk_gb": 3000},
    "nova": {"deployments": 24, "cpu_cores": 64, "memory_mb": 131_072, "disk_gb": 1200},
    "atelier": {"deployments": 12, "cpu_cores": 32, "memory_mb": 65_536, "disk_gb": 600},
}

PEOPLE: Final = (
    DemoPerson("demo-admin", "Alice MARTIN", "admin", "uhub", is_platform_admin=True),
    DemoPerson("demo-projets", "Paul BERNARD", "projets", "uhub"),
    DemoPerson("demo-dev", "Dora PETIT", "dev", "uhub"),
    DemoPerson("demo-ops", "Omar DURAND", "ops", "uhub"),
    DemoPerson("demo-support", "Sophie LEROY", "support", "uhub"),
    DemoPerson("demo-viewer", "Victor MOREAU", "viewer", "uhub"),
    DemoPerson("demo-nova", "Nora GARNIER", "admin", "nova"),
    DemoPerson("demo-atelier", "Anatole ROUSSEAU", "admin", "atelier"),
)

_DATABASE: Final = {
    "key": "database",
    "label": "Database",
    "type": "choice",
    "choices": ["none", "mysql", "postgresql"],
    "default": "none",
    "hint": "Installed on the machine itself, with a password of its own.",
}
_REDIS: Final = {"key": "redis", "label": "Install Redis", "type": "boolean", "default": False}
_DOMAIN: Final = {
    "key": "domain",
    "label": "Domain",
    "type": "hostname",
    "default": "",
    "hint": "The name people will use, such as shop.example.org; the host name if empty.",
}
_EMAIL: Final = {
    "key": "admin_email",
    "label": "Administrator's e-mail",
    "type": "email",
    "default": "",
    "hint": "Whom the application writes to.",
}

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
        app_stack="wordpress",
        options=(_DATABASE | {"default": "mysql", "choices": ["none", "mysql"]}, _REDIS,
                 _DOMAIN, _EMAIL),
        rate_base_hour=Decimal("0.008")),
    DemoTemplate("laravel", "Laravel", "app", "package", 9007,
        "PHP application server with queue worker and scheduler.", ("web", "php"), (2, 4096, 30),
        app_stack="laravel", options=(_DATABASE, _REDIS, _DOMAIN, _EMAIL), rate_base_hour=Decimal("0.008")),
    DemoTemplate("node", "Node.js", "app", "hexagon", 9008,
        "Node.js runtime behind nginx with process manager.", ("web", "javascript"), (2, 2048, 25),
        app_stack="node", options=(_DATABASE, _REDIS, _DOMAIN, _EMAIL), rate_base_hour=Decimal("0.006")),
)  # fmt: skip

WITHDRAWN: Final = DemoTemplate("legacy-appliance", "Legacy appliance", "app", "archive", 9099,
    "Withdrawn: its source is gone from the cluster.", ("legacy",), (1, 1024, 10))  # fmt: skip
