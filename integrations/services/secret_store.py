"""The embedded secret store: encrypted rows under row-level security, same interface as Vault.

Paths that begin with `tenants/<id>/` belong to that tenant and are read in its scope; all others are the
platform's and go through the platform role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Max, QuerySet

from integrations.base.errors import Permanent
from integrations.logic.sealing import SealBroken, Sealed, seal, unseal
from integrations.models import SecretVersion
from integrations.vault.errors import InvalidSecret, SecretConflict, SecretMissing
from integrations.vault.interface import StoreHealth, StoreState
from integrations.vault.mapping import content_checked, path_checked, prefix_checked
from portal.kernel.tenancy import DEFAULT, PLATFORM, PLATFORM_TENANT_ID, tenant_scope

PROVIDER = "embedded"


class EmbeddedSecretStore:
    """Implements `SecretStore` on our own table."""

    def put(self, path: str, data: Mapping[str, str], *, cas: int | None = None) -> int:
        """Adds a version. With `cas` only on top of that version (0: the path must be new).

        Raises: SecretConflict.
        """
        content = content_checked(data)
        with _owned(path_checked(path)) as (alias, tenant_id):
            rows = _rows(alias, tenant_id, path)
            latest = rows.aggregate(latest=Max("version"))["latest"] or 0
            if cas is not None and cas != latest:
                raise SecretConflict(f"{path} is at version {latest}", provider=PROVIDER)
            version = latest + 1
            sealed = seal(
                settings.MASTER_KEY,
                tenant_id=tenant_id,
                path=path,
                version=version,
                data=content,
            )
            try:
                with transaction.atomic(using=alias):
                    SecretVersion.objects.using(alias).create(
                        tenant_id=tenant_id,
                        path=path,
                        version=version,
                        key_id=sealed.key_id,
                        nonce=sealed.nonce,
                        ciphertext=sealed.ciphertext,
                    )
            except IntegrityError as error:
                raise SecretConflict(f"{path} was written meanwhile", provider=PROVIDER) from error
            return version

    def get(self, path: str, version: int | None = None) -> dict[str, str]:
        """The fields of the newest or of one version. Raises: SecretMissing, Permanent."""
        with _owned(path_checked(path)) as (alias, tenant_id):
            rows = _rows(alias, tenant_id, path)
            rows = rows if version is None else rows.filter(version=version)
            row = rows.order_by("-version").first()
            if row is None:
                raise SecretMissing(f"there is no secret at {path}", provider=PROVIDER)
            sealed = Sealed(row.key_id, bytes(row.nonce), bytes(row.ciphertext))
            try:
                return unseal(
                    settings.MASTER_KEY, sealed, tenant_id=tenant_id, path=path, version=row.version
                )
            except SealBroken as error:
                raise Permanent(str(error), provider=PROVIDER) from error

    def delete(self, path: str) -> None:
        """Removes every version."""
        with _owned(path_checked(path)) as (alias, tenant_id):
            _rows(alias, tenant_id, path).delete()

    def list(self, prefix: str = "") -> tuple[str, ...]:
        """Names directly below a path; those with names below end in "/"."""
        start = prefix_checked(prefix)
        start = f"{start.rstrip('/')}/" if start else ""
        with _owned(start or "platform") as (alias, tenant_id):
            rows = SecretVersion.objects.using(alias).filter(
                tenant_id=tenant_id, path__startswith=start
            )
            below = [path.removeprefix(start) for path in rows.values_list("path", flat=True)]
        names = {head + slash for head, slash, _rest in (name.partition("/") for name in below)}
        return tuple(sorted(names))

    def health(self) -> StoreHealth:
        """Whether the table can be read."""
        try:
            SecretVersion.objects.using(PLATFORM).exists()
        except DatabaseError as error:
            return StoreHealth(StoreState.UNREACHABLE, str(error))
        return StoreHealth(StoreState.READY)


@contextmanager
def _owned(path: str) -> Iterator[tuple[str, UUID]]:
    parts = path.split("/")
    if parts[0] != "tenants":
        with transaction.atomic(using=PLATFORM):
            yield PLATFORM, PLATFORM_TENANT_ID
        return
    try:
        tenant_id = UUID(parts[1])
    except (IndexError, ValueError):
        message = "a tenant's secrets live below tenants/<id>/"
        raise InvalidSecret(message, provider=PROVIDER) from None
    with tenant_scope(tenant_id), transaction.atomic():
        yield DEFAULT, tenant_id


def _rows(alias: str, tenant_id: UUID, path: str) -> QuerySet[SecretVersion]:
    return SecretVersion.objects.using(alias).filter(tenant_id=tenant_id, path=path)
