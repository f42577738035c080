"""Passwords of a machine leave the secret store with it, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from integrations.base.errors import Unavailable
from integrations.base.registry import HostRegistry
from integrations.services.secret_store import EmbeddedSecretStore
from integrations.vault.adapter import VaultSecretStore
from integrations.vault.errors import SecretMissing
from integrations.vault.fake import FakeSecretStore
from integrations.vault.interface import SecretStore
from integrations.vault.transport import TokenLogin, VaultEndpoint, VaultTransport
from portal.kernel import clock, events
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation
from provisioning.events import DeploymentChanged
from provisioning.models import Bootstrap, Deployment
from provisioning.services import leftover_secrets
from provisioning.services.leftover_secrets import secrets_sweep
from tests.conftest import Cloud, World
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory
from tests.integrations.vault.kv_server import kv_server
from tests.provisioning import scenes
from tests.provisioning.test_bootstrap import described

FORGET = "pod.secrets.forget"


@pytest.fixture
def embedded() -> EmbeddedSecretStore:
    return EmbeddedSecretStore()


@pytest.fixture
def vault() -> Iterator[VaultSecretStore]:
    with kv_server() as server:
        endpoint = VaultEndpoint(url=server.url, login=TokenLogin("root-token"))
        yield VaultSecretStore(VaultTransport(endpoint, registry=HostRegistry()))


def used(monkeypatch: pytest.MonkeyPatch, store: SecretStore) -> None:
    monkeypatch.setattr(leftover_secrets, "secret_store", lambda: store)


def furnished(world: World, store: SecretStore, *, gone: timedelta = timedelta()) -> Bootstrap:
    """A machine that is gone since then, with passwords in the store."""
    with tenant_scope(world.north.pk), transaction.atomic():
        machine = DeploymentFactory(
            tenant=world.north,
            owner=world.people["support"],
            template=TemplateFactory(cluster=ClusterFactory()),
            status="deleted",
            deleted_at=clock.now() - gone,
        )
        row = Bootstrap.objects.create(
            tenant=world.north,
            deployment=machine,
            document="secrets: [a]",
            secret_names=["a"],
            secrets_path=f"deployments/{machine.pk}/bootstrap",
        )
    store.put(row.secrets_path, {"a": "s3cret"})
    return row


def written_off(row: Bootstrap) -> None:
    """What is published in the transaction that ends a machine."""
    with tenant_scope(row.tenant_id), transaction.atomic():
        events.publish(DeploymentChanged(row.deployment_id, row.tenant_id, "deleted"))


def asked() -> list[str]:
    return list(Operation.across_tenants.filter(type=FORGET).values_list("status", flat=True))


@pytest.mark.parametrize("kind", ["embedded", "vault"])
def test_they_are_removed_when_a_machine_is_written_off(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    store: Any = request.getfixturevalue(kind)
    used(monkeypatch, store)
    row = furnished(world, store)
    written_off(row)
    run_until_idle()
    assert asked() == ["completed"]
    with pytest.raises(SecretMissing):
        store.get(row.secrets_path)


def test_a_machine_that_lives_keeps_them(world: World, embedded: EmbeddedSecretStore) -> None:
    row = furnished(world, embedded)
    Deployment.across_tenants.using(PLATFORM).update(status="running", deleted_at=None)
    with tenant_scope(row.tenant_id), transaction.atomic():
        events.publish(DeploymentChanged(row.deployment_id, row.tenant_id, "running"))
    secrets_sweep()
    run_until_idle()
    assert asked() == []
    assert embedded.get(row.secrets_path) == {"a": "s3cret"}


def test_a_deletion_that_is_undone_by_a_crash_asks_for_nothing(
    world: World, embedded: EmbeddedSecretStore
) -> None:
    row = furnished(world, embedded)
    with tenant_scope(row.tenant_id), transaction.atomic():
        events.publish(DeploymentChanged(row.deployment_id, row.tenant_id, "deleted"))
        transaction.set_rollback(True)
    assert asked() == []


def test_a_store_that_is_away_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeSecretStore()
    used(monkeypatch, store)
    row = furnished(world, store)
    store.fail_next("delete", Unavailable("away", provider="vault"))
    written_off(row)
    run_until_idle()
    assert asked() == ["completed"]
    assert [method for method, _path in store.calls] == ["put", "delete", "delete"]


def test_the_sweep_finds_what_was_written_afterwards_and_then_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeSecretStore()
    used(monkeypatch, store)
    row = furnished(world, store, gone=timedelta(minutes=61))
    for _tick in range(2):
        secrets_sweep()
        secrets_sweep()
        run_until_idle()
    row.refresh_from_db(using=PLATFORM)
    assert (asked(), row.secrets_path) == (["completed"], "")
    assert store.list("deployments") == ()


def test_the_sweep_waits_while_somebody_could_still_write(
    world: World, embedded: EmbeddedSecretStore
) -> None:
    furnished(world, embedded, gone=timedelta(minutes=59))
    secrets_sweep()
    assert asked() == []


def test_a_real_deletion_takes_them_along(cloud: Cloud) -> None:
    described(cloud, bootstrap="secrets: [a]\nruncmd: ['echo done']")
    deployment = scenes.running(cloud)
    path = f"deployments/{deployment.pk}/bootstrap"
    assert set(EmbeddedSecretStore().get(path)) == {"a"}
    scenes.acted(cloud, deployment, "delete")
    run_until_idle()
    assert scenes.reloaded(deployment).status == "deleted"
    with pytest.raises(SecretMissing):
        EmbeddedSecretStore().get(path)
