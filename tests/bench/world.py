"""The rows that everything is measured on, and the ways to ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from io import BytesIO
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction
from django.test import RequestFactory

from billing.models import Quota, Tenant
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from portal.services.tokens import tokens_issue
from provisioning.models import Deployment, Template
from provisioning.states import DeploymentStatus, Health
from tests.factories.accounts import MembershipFactory, TenantFactory, UserFactory
from tests.factories.provisioning import (
    ClusterFactory,
    DeploymentFactory,
    NodeFactory,
    StorageFactory,
    TemplateFactory,
)

MANY, FEW, NEIGHBOURS, OF_NEIGHBOUR = 10_000, 10, 20, 200


class Browser:
    """One signed-in client that talks to the WSGI handler itself: no socket, no test client."""

    handler: WSGIHandler | None = None

    def __init__(self, **extra: str) -> None:
        Browser.handler = Browser.handler or WSGIHandler()
        self._environ = RequestFactory(HTTP_HOST="localhost", **extra)._base_environ()
        self.status = ""

    def get(self, path: str, query: str = "") -> bytes:
        """The body; anything but 200 is a failure of the measurement."""
        return self.send("GET", path, query)

    def send(self, method: str, path: str, query: str = "", body: bytes = b"") -> bytes:
        """The body of any 2xx."""
        environ = {
            **self._environ,
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        assert Browser.handler is not None
        response = Browser.handler(environ, self._start)
        try:
            answer = b"".join(response)
        finally:
            response.close()
        assert self.status.startswith("2"), (
            f"{method} {path}?{query}: {self.status} {answer[:500]!r}"
        )
        return answer

    def _start(self, status: str, _headers: Any, _error: Any = None) -> Any:
        self.status = status


@dataclass
class BenchWorld:
    """`big` holds many deployments, `small` a few; `user` and `newcomer` are their operators."""

    big: Tenant
    small: Tenant
    template: Template
    user: User
    newcomer: User

    def api(self, user: User | None = None) -> Browser:
        """Somebody with an access token."""
        token = tokens_issue(user=user or self.user).access_token
        return Browser(HTTP_AUTHORIZATION=f"Bearer {token}")

    def browser(self, user: User | None = None) -> Browser:
        """Somebody with a session."""
        return Browser(HTTP_COOKIE=f"{settings.SESSION_COOKIE_NAME}={self.session_key(user)}")

    def session_key(self, user: User | None = None) -> str:
        """A new session of somebody."""
        person = user or self.user
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
        return str(session.session_key)

    def some_deployment(self) -> UUID:
        """One of the many."""
        newest = Deployment.objects.using("platform").filter(tenant=self.big).order_by("-id")
        return newest.values_list("pk", flat=True)[0]

    @cached_property
    def raw(self) -> psycopg.Connection[Any]:
        """A connection of the runtime role that nothing of Django touches."""
        return raw_connection("default")


def raw_connection(alias: str) -> psycopg.Connection[Any]:
    """psycopg as it is, with the role of an alias."""
    found = connections[alias].get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(
        **{name: found[name] for name in names if name in found}, autocommit=True
    )


def world_make() -> BenchWorld:
    """One tenant with many deployments, one with a few, and neighbours with some."""
    cluster = ClusterFactory(code="paris", vmid_last=29_999, node=None, storage=None)
    NodeFactory(cluster=cluster, name="pve1", cpu_cores=1_000_000, memory_mb=2_000_000_000)
    StorageFactory(cluster=cluster, name="ceph-vm", total_gb=100_000_000)
    template = TemplateFactory(cluster=cluster)
    big, small = TenantFactory(slug="big"), TenantFactory(slug="small")
    user, newcomer = UserFactory(username="bench"), UserFactory(username="newcomer")
    MembershipFactory(user=user, tenant=big, role="ops")
    MembershipFactory(user=newcomer, tenant=small, role="ops")
    for tenant in (big, small):
        Quota.objects.using("platform").create(tenant=tenant)
    _deployments_make(big, template, user, MANY)
    _deployments_make(small, template, newcomer, FEW)
    for _ in range(NEIGHBOURS):
        _deployments_make(TenantFactory(), template, user, OF_NEIGHBOUR)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    return BenchWorld(big, small, template, user, newcomer)


def _deployments_make(tenant: Tenant, template: Template, owner: User, count: int) -> None:
    with tenant_scope(tenant.pk), transaction.atomic():
        rows = DeploymentFactory.build_batch(
            count,
            template=template,
            owner=owner,
            tenant=tenant,
            status=DeploymentStatus.RUNNING,
            health=Health.OK,
            ip_addresses=["10.20.0.15"],
            parameters={"size": "small", "backup": True},
            tags=["team-a", "bench"],
        )
        for row in rows:
            row.ready_at = row.expires_at
        Deployment.objects.bulk_create(rows, batch_size=1_000)
