"""Clusters, templates and deployments."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import factory

from portal.kernel import clock
from provisioning.models import (
    Cluster,
    Deployment,
    DnsServer,
    DnsZone,
    Node,
    NodeState,
    Storage,
    Template,
    Volume,
)
from tests.factories.accounts import PlatformFactory


class ClusterFactory(PlatformFactory):
    class Meta:
        model = Cluster

    code = factory.Sequence(lambda n: f"cluster-{n}")
    name = factory.LazyAttribute(lambda o: o.code)
    hosts = ["127.0.0.1"]
    token_id = "uhub@pve!portal"
    token_ref = "vault:platform/clusters/test#token"
    pool = "uhub"
    vmid_first = 20_000
    vmid_last = 20_999
    vmid_next = 20_000
    last_seen_at = factory.LazyFunction(clock.now)
    node = factory.RelatedFactory("tests.factories.provisioning.NodeFactory", "cluster")
    storage = factory.RelatedFactory("tests.factories.provisioning.StorageFactory", "cluster")


class NodeFactory(PlatformFactory):
    """A node with room for whatever a test makes."""

    class Meta:
        model = Node

    cluster = factory.SubFactory(ClusterFactory)
    name = "pve1"
    state = NodeState.ONLINE
    cpu_cores = 128
    memory_mb = 1_048_576
    seen_at = factory.LazyFunction(clock.now)


class StorageFactory(PlatformFactory):
    """A shared storage with room for whatever a test makes."""

    class Meta:
        model = Storage

    cluster = factory.SubFactory(ClusterFactory)
    name = "ceph-vm"
    node_names = ("pve1",)
    is_shared = True
    is_active = True
    total_gb = 102_400
    used_gb = 0
    seen_at = factory.LazyFunction(clock.now)


class TemplateFactory(PlatformFactory):
    class Meta:
        model = Template

    code = factory.Sequence(lambda n: f"template-{n}")
    name = factory.LazyAttribute(lambda o: o.code)
    cluster = factory.SubFactory(ClusterFactory)
    proxmox_template_vmid = 9003
    default_node = "pve1"
    storage_pool = "ceph-vm"
    cpu_cores_default = 2
    memory_mb_default = 2048
    disk_gb_default = 20
    rate_base_hour = Decimal("0.010000")
    rate_cpu_core_hour = Decimal("0.020000")
    rate_memory_gb_hour = Decimal("0.005000")
    rate_disk_gb_hour = Decimal("0.000100")


class DeploymentFactory(factory.django.DjangoModelFactory):
    """A row without a machine; needs a tenant in scope."""

    class Meta:
        model = Deployment

    name = factory.Sequence(lambda n: f"vm-{n}")
    hostname = factory.LazyAttribute(lambda o: o.name)
    cluster = factory.LazyAttribute(lambda o: o.template.cluster)
    node = "pve1"
    vmid = factory.Sequence(lambda n: 30_000 + n)
    marker = factory.LazyAttribute(lambda o: f"uhub:test:{o.name}")
    cpu_cores = 2
    memory_mb = 2048
    disk_gb = 20
    price_hour = Decimal("0.062000")
    ttl_hours = 72
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(hours=72))


class VolumeFactory(factory.django.DjangoModelFactory):
    """A row without a disk; needs a tenant in scope, and a deployment."""

    class Meta:
        model = Volume

    name = factory.Sequence(lambda n: f"data-{n}")
    cluster = factory.LazyAttribute(lambda o: o.deployment.cluster)
    owner = factory.LazyAttribute(lambda o: o.deployment.owner)
    tenant = factory.LazyAttribute(lambda o: o.deployment.tenant)
    size_gb = 20
    price_gb_hour = Decimal("0.000120")
    storage_pool = "ceph-vm"
    node = "pve1"
    owner_vmid = 29_000
    proxmox_volume_id = factory.LazyAttribute(lambda o: f"ceph-vm:vm-29000-uhub-{o.name}")
    slot = factory.Sequence(lambda n: f"scsi{n % 30 + 1}")
    status = "attached"
    stored_at = factory.LazyFunction(clock.now)


class DnsServerFactory(PlatformFactory):
    class Meta:
        model = DnsServer

    code = factory.Sequence(lambda n: f"names-{n}")
    name = factory.LazyAttribute(lambda o: o.code)
    url = "http://127.0.0.1:9"
    api_key_ref = factory.LazyAttribute(lambda o: f"vault:platform/name-servers/{o.code}#key")


class DnsZoneFactory(PlatformFactory):
    """A zone offered to all; one organisation's with `organisation`."""

    class Meta:
        model = DnsZone

    server = factory.SubFactory(DnsServerFactory)
    name = factory.Sequence(lambda n: f"zone-{n}.test")
