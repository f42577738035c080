"""Fixtures of the whole suite: a database with four roles, a small world in it, the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import translation

from billing.models import Tenant
from integrations.services.hypervisors import hypervisors_forget
from integrations.services.secrets import secret_put
from portal.kernel.authz import ROLES, Actor
from portal.management.commands.messages import catalogue_path
from portal.models import Membership, Role, User
from portal.services import readiness
from portal.services import settings as settings_service
from portal.services.roles import roles_ensure
from portal.services.settings import settings_forget
from provisioning.models import Cluster, Template
from provisioning.web import platform_state
from tests.factories.accounts import TenantFactory, UserFactory, actor_of
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.flushing import connections_close, quick_flush_install
from tests.simulator import SimulatorProcess

quick_flush_install()

ALIASES = ("default", "owner", "platform", "dispatch")
CROSS_ALIAS_FIXTURES = {"world", "cloud", "site"}


def pytest_configure() -> None:
    """Whoever runs a test by hand has the catalogue as it is now, too; `make` has compiled it before."""
    path = catalogue_path()
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
        call_command("messages", compile=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever meets several aliases needs committed rows: it gets all of them, and a clean-up."""
    for item in items:
        if CROSS_ALIAS_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.django_db(transaction=True, databases=ALIASES))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Lets go of the database before it is dropped."""
    yield
    connections_close()


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A page that was asked for in French leaves no French behind for the next test."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture
def lasting_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process keeps for some seconds is kept: statements are as many on a busy machine."""
    monkeypatch.setattr(settings_service, "CHECK_EVERY_S", 600.0)
    platform_state.platform_state_forget()
    monkeypatch.setattr(platform_state, "KEPT_S", 600.0)
    readiness.silent_parts_forget()
    monkeypatch.setattr(readiness, "_KEPT_S", 600.0)


@dataclass
class World:
    """Two tenants: `north` with one person per role, `south` with a support agent."""

    north: Tenant
    south: Tenant
    people: dict[str, User] = field(default_factory=dict)
    stranger: User | None = None

    def actor(self, role: str = "support") -> Actor:
        """The person of `north` with that role, as a request would carry it."""
        return actor_of(self.people[role], self.north, role)

    def outsider(self) -> Actor:
        """The support agent of `south`."""
        assert self.stranger is not None
        return actor_of(self.stranger, self.south, "support")


@pytest.fixture
def world(transactional_db: None) -> World:
    settings_forget()
    roles_ensure()
    built = World(
        north=TenantFactory(slug="north", name="North"),
        south=TenantFactory(slug="south", name="South"),
    )
    people = {role: UserFactory.build(username=f"{role}-north") for role in ROLES}
    stranger = UserFactory.build(username="support-south")
    User.objects.using("platform").bulk_create([*people.values(), stranger])
    places = [(people[role], built.north, role) for role in ROLES]
    places.append((stranger, built.south, "support"))
    roles = {role.code: role for role in Role.objects.using("platform").filter(code__in=ROLES)}
    Membership.objects.using("platform").bulk_create(
        [Membership(user=user, tenant=tenant, role=roles[code]) for user, tenant, code in places]
    )
    built.people, built.stranger = people, stranger
    return built


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="demo", time_scale=100.0) as process:
        yield process


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The simulator as new: demo fixture, no faults."""
    simulator_process.clear_faults()
    simulator_process.reset("demo")
    hypervisors_forget()
    yield simulator_process
    hypervisors_forget()


@dataclass
class Cloud:
    """The simulator registered as a cluster, with one template on it."""

    world: World
    simulator: SimulatorProcess
    cluster: Cluster
    template: Template


@pytest.fixture
def cloud(world: World, simulator: SimulatorProcess) -> Cloud:
    secret_put("platform/clusters/test", {"token": "44444444-4444-4444-4444-444444444444"})
    cluster = ClusterFactory(
        code="test",
        hosts=[simulator.host],
        port=simulator.port,
        ca_pem=Path(simulator.ca_file).read_text(encoding="ascii"),
    )
    template = TemplateFactory(code="linux-utility", cluster=cluster)
    return Cloud(world, simulator, cluster, template)
