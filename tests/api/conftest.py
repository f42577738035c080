"""A catalogue without a cluster behind it, and people who ask the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from billing.services.quotas import quota_reserve
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from provisioning.models import Deployment, Template
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory

JSON = "application/json"


@dataclass
class Caller:
    """One person's way to the API."""

    client: Client

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> HttpResponse:
        options: dict[str, Any] = {"content_type": JSON, "headers": {"accept": JSON}} | more
        if method == "get":
            options.pop("content_type")
            return self.client.get(f"/api/{path}", **options)  # type: ignore[no-any-return]
        data = {} if body is None and method != "delete" else body
        return getattr(self.client, method)(f"/api/{path}", data, **options)  # type: ignore[no-any-return]


def caller_of(user: User | None) -> Caller:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return Caller(client)


@pytest.fixture
def ask(world: World) -> Caller:
    """The support agent of `north`."""
    return caller_of(world.people["support"])


@pytest.fixture
def catalogue(world: World) -> Template:
    """One offered template with every kind of option, and one that is withdrawn."""
    options = [
        {"key": "database", "type": "choice", "choices": ["none", "mariadb"], "default": "none"},
        {"key": "redis", "type": "boolean", "default": False},
        {"key": "motd", "type": "string", "default": ""},
    ]
    cluster = ClusterFactory(code="paper")
    TemplateFactory(code="withdrawn", cluster=cluster, is_active=False)
    return TemplateFactory(code="wordpress", cluster=cluster, install_options=options)


@pytest.fixture
def owned(world: World, catalogue: Template) -> Callable[..., Deployment]:
    """Makes rows of `north` that hold quota as if they had been provisioned."""

    def make(role: str = "support", **fields: Any) -> Deployment:
        with tenant_scope(world.north.pk), transaction.atomic():
            deployment: Deployment = DeploymentFactory(
                tenant=world.north,
                owner=world.people[role],
                template=catalogue,
                **{"status": "running", **fields},
            )
            quota_reserve(
                actor=Actor.system("test", tenant_id=world.north.pk),
                tenant_id=world.north.pk,
                subject_id=deployment.pk,
                amounts=deployment.amounts,
            )
        return deployment

    return make
