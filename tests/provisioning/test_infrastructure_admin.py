"""What platform staff change of nodes, storages and places of templates, with its record."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from audit.models import Entry
from portal.kernel.authz import Actor
from portal.kernel.errors import Refused
from portal.models import User
from provisioning.models import Node, Storage, TemplateCopy
from provisioning.services.catalogue import node_limits_set, storage_open
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory

STAFF = Actor.system("test")


@pytest.fixture
def staff(world: World) -> Client:
    user = world.people["admin"]
    User.objects.using("platform").filter(pk=user.pk).update(is_platform_admin=True, is_staff=True)
    client = Client()
    client.force_login(User.objects.using("platform").get(pk=user.pk))
    return client


def test_limits_of_a_node_are_on_record(world: World) -> None:
    ClusterFactory()
    node = Node.objects.using("platform").get()
    node_limits_set(actor=STAFF, node=node, clone_limit=2, cpu_overcommit=Decimal("1.5"))
    node.refresh_from_db(using="platform")
    assert (node.clone_limit, node.cpu_overcommit) == (2, Decimal("1.50"))
    entry = Entry.objects.using("platform").get(tag="infrastructure.node_changed")
    assert entry.after == {"clone_limit": 2, "cpu_overcommit": "1.5"}


def test_a_closed_storage_is_on_record(world: World) -> None:
    ClusterFactory()
    storage = Storage.objects.using("platform").get()
    storage_open(actor=STAFF, storage=storage, is_enabled=False)
    entry = Entry.objects.using("platform").get(tag="infrastructure.storage_changed")
    assert (entry.before, entry.after) == ({"is_enabled": True}, {"is_enabled": False})


def test_no_role_of_an_organisation_closes_a_storage(world: World) -> None:
    ClusterFactory()
    storage = Storage.objects.using("platform").get()
    with pytest.raises(Refused):
        storage_open(actor=world.actor("admin"), storage=storage, is_enabled=False)


def test_a_place_of_a_template_is_made_in_the_administration(world: World, staff: Client) -> None:
    template, lyon = TemplateFactory(), ClusterFactory(code="lyon")
    answer = staff.post(
        "/admin/provisioning/templatecopy/add/",
        {
            "template": template.pk,
            "cluster": lyon.pk,
            "vmid": 9103,
            "node": "pve4",
            "storage": "ceph-lyon",
            "bridge": "vmbr0",
            "is_active": "on",
        },
    )
    assert answer.status_code == 302
    copy = TemplateCopy.objects.using("platform").get()
    assert (copy.template_id, copy.cluster_id, copy.vmid) == (template.pk, lyon.pk, 9103)


@pytest.mark.parametrize("kind", ["node", "storage", "templatecopy"])
def test_the_lists_of_the_administration_open(world: World, staff: Client, kind: str) -> None:
    TemplateFactory()
    assert staff.get(f"/admin/provisioning/{kind}/").status_code == 200
