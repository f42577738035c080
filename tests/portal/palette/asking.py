"""Lines put to the palette as a person of the world, and machines to put them about."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.test import Client

from billing.models import Quota
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from provisioning.models import Deployment, Template
from tests.conftest import World
from tests.factories.provisioning import (
    ClusterFactory,
    DeploymentFactory,
    TemplateFactory,
)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def asked(person: User, line: str, *, page: str = "/", recent: tuple[str, ...] = ()) -> Any:
    """The reply as JSON."""
    answer = signed_in(person).get(
        "/palette",
        {"q": line, "page": page, "recent": recent},
        headers={"accept": "application/json"},
    )
    assert answer.status_code == 200, answer.content[:300]
    return json.loads(answer.content)


def titles(reply: Any, key: str | None = None) -> list[str]:
    """What is listed, in all groups or in one."""
    groups = [group for group in reply["groups"] if key in {None, group["key"]}]
    return [option["title"] for group in groups for option in group["options"]]


def option(reply: Any, title: str) -> Any:
    """The one option with that title."""
    found = [one for group in reply["groups"] for one in group["options"] if one["title"] == title]
    assert len(found) == 1, (title, titles(reply))
    return found[0]


def template(**fields: Any) -> Template:
    values = {"code": "linux-utility", "name": "Linux utility VM", "cluster": ClusterFactory()}
    made: Template = TemplateFactory(**{**values, **fields})
    return made


def machine(
    world: World, name: str = "web-04", *, role: str = "support", **fields: Any
) -> Deployment:
    """A machine of `north` that belongs to the person of a role."""
    values = {"status": "running", "health": "ok", "tenant": world.north, **fields}
    values.setdefault("owner", world.people[role])
    values.setdefault("template", Template.objects.first() or template())
    with tenant_scope(values["tenant"].pk), transaction.atomic():
        made: Deployment = DeploymentFactory(name=name, **values)
    return made


def quota(world: World, **limits: int) -> None:
    Quota.objects.using("platform").create(tenant=world.north, **limits)
