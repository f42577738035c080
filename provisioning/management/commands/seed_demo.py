"""`manage.py seed_demo`: tenants, people, templates and machines to look at."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.base.errors import ProviderError
from integrations.services.hypervisors import host_and_port
from portal.kernel.authz import Actor
from portal.kernel.queue import QUEUES
from portal.kernel.tenancy import DISPATCH, PLATFORM
from portal.models import Operation
from portal.services.workers import WorkerDesk
from portal.states import OPEN_STATUSES
from provisioning.logic.demo import TEMPLATES, WITHDRAWN
from provisioning.logic.demo_machines import MACHINES
from provisioning.models import Cluster, Template
from provisioning.services import demo
from provisioning.services.catalogue import cluster_save, template_save
from provisioning.services.demo_history import demo_past
from provisioning.services.demo_parts import demo_parts, demo_schedules, demo_window
from provisioning.services.observation import cluster_look

_LOOK_S = 0.2
CLUSTERS = (("demo", "Paris"), ("demo-b", "Lyon"))


class Command(BaseCommand):
    """Fills an installation with the demo. Running it again adds only what is missing."""

    help = (
        "Makes three tenants, the demo accounts (password = user name), the templates and some forty machines, "
        "which are really provisioned on the cluster that PROXMOX_URL names. Safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--timeout",
            type=float,
            default=120.0,
            help="Seconds to wait for the machines; what is not ready then goes on by itself.",
        )
        parser.add_argument(
            "--without-machines", action="store_true", help="Accounts and templates only."
        )
        parser.add_argument(
            "--machines",
            type=int,
            default=len(MACHINES),
            metavar="MOST",
            help="So many of the cast's machines at most.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        actor = Actor.system("seed_demo")
        people = demo.demo_people(actor=actor)
        first, *others = self._clusters(actor)
        self._templates(actor, first, others)
        self._names(actor)
        self._look([first, *others])
        demo_schedules(actor=actor)
        demo_window(actor=actor, cluster=[first, *others][-1])
        made = 0
        if not options["without_machines"]:
            made = self._machines(actor, options["timeout"], options["machines"])
        self.stdout.write(f"demo: {people} people and {made} machines added")

    def _clusters(self, actor: Actor) -> list[Cluster]:
        if not settings.PROXMOX_ENVIRONMENT.url:
            raise CommandError("Set PROXMOX_URL, PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET.")
        named = zip(
            CLUSTERS,
            (settings.PROXMOX_ENVIRONMENT, settings.PROXMOX_SECOND_ENVIRONMENT),
            strict=True,
        )
        return [
            self._cluster(actor, code, name, environment)
            for (code, name), environment in named
            if environment.url
        ]

    def _cluster(self, actor: Actor, code: str, name: str, environment: Any) -> Cluster:
        host, port = host_and_port(environment.url)
        ca_pem = Path(environment.ca_file).read_text("ascii") if environment.ca_file else ""
        wanted = {
            "hosts": [host],
            "port": port,
            "token_id": environment.token_id,
            "ca_pem": ca_pem,
            "fingerprints": [environment.fingerprint] if environment.fingerprint else [],
        }
        known = Cluster.objects.using(PLATFORM).filter(code=code).first()
        if known and all(getattr(known, name) == value for name, value in wanted.items()):
            return known
        return cluster_save(
            actor=actor,
            code=code,
            name=name,
            pool="uhub",
            token_secret=environment.token_secret,
            **wanted,
        )

    def _templates(self, actor: Actor, cluster: Cluster, others: list[Cluster]) -> None:
        for position, blueprint in enumerate(TEMPLATES):
            demo.demo_template(
                actor=actor, cluster=cluster, demo=blueprint, position=10 * (position + 1)
            )
        demo.demo_template(actor=actor, cluster=cluster, demo=WITHDRAWN, position=900)
        for other in others:
            demo.demo_copies(actor=actor, cluster=other)

    def _names(self, actor: Actor) -> None:
        """The zones of the demo, where there is a name server for them."""
        named = settings.NAME_SERVER_ENVIRONMENT
        if named.url:
            demo.demo_names(actor=actor, url=named.url, key=named.key, resolver=named.resolver)

    def _look(self, clusters: list[Cluster]) -> None:
        """Nothing is placed on a cluster that was never listed; one that was is known well enough."""
        for cluster in clusters:
            if cluster.last_seen_at is not None:
                continue
            try:
                cluster_look(cluster)
            except ProviderError as error:
                raise CommandError(f"{cluster.code} cannot be listed: {error.message}") from error

    def _machines(self, actor: Actor, timeout_s: float, most: int) -> int:
        made = demo.demo_machines(actor=actor, is_live=False, most=most)
        if made:
            desk = WorkerDesk(queues=QUEUES)
            desk.start()
            try:
                self._wait(timeout_s)
                demo.demo_finish(actor=actor, machines=made)
                demo_parts(actor=actor, machines=made)
                self._wait(timeout_s)
            finally:
                desk.stop(grace_s=float(settings.ENGINE["GRACE_S"]))
        withdrawn = Template.objects.using(PLATFORM).get(code=WITHDRAWN.code)
        if withdrawn.is_active:
            template_save(actor=actor, code=WITHDRAWN.code, is_active=False)
        live = demo.demo_machines(actor=actor, is_live=True, most=most)
        return len(made) + len(live) + demo_past(actor=actor)

    def _wait(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        pause = threading.Event()
        under_way = Operation.objects.using(DISPATCH).filter(
            status__in=OPEN_STATUSES, target_type="deployment", queue="cloudpods"
        )
        while under_way.exists() and time.monotonic() < deadline:
            pause.wait(_LOOK_S)
