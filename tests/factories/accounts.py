"""Tenants, people and their roles, written through the platform role."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth.hashers import make_password

from billing.models import Tenant
from portal.kernel.authz import Actor, ActorKind, default_permissions, platform_permissions
from portal.models import Membership, Role, Team, User

PASSWORD = "correct horse battery"


class PlatformFactory(factory.django.DjangoModelFactory):
    """Rows that only the platform role may write."""

    class Meta:
        abstract = True
        database = "platform"


class TenantFactory(PlatformFactory):
    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"tenant-{n}")
    name = factory.LazyAttribute(lambda o: o.slug.title())


class UserFactory(PlatformFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    display_name = factory.LazyAttribute(lambda o: f"{o.username.title()} PERSON")
    email = factory.LazyAttribute(lambda o: f"{o.username}@uhub.local")
    password = factory.LazyFunction(lambda: make_password(PASSWORD))


class MembershipFactory(PlatformFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    tenant = factory.SubFactory(TenantFactory)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Membership:
        if isinstance(kwargs.get("role"), str):
            kwargs["role"] = Role.objects.using("platform").get(code=kwargs["role"])
        return super()._create(model_class, *args, **kwargs)


class TeamFactory(PlatformFactory):
    class Meta:
        model = Team

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Team {n}")
    slug = factory.Sequence(lambda n: f"team-{n}")


def actor_of(user: User, tenant: Tenant, role: str) -> Actor:
    """The actor that a request of this person would carry."""
    permissions = default_permissions(role)
    if user.is_platform_admin:
        permissions |= platform_permissions()
    return Actor(
        kind=ActorKind.USER,
        label=user.username,
        user_id=user.pk,
        tenant_id=tenant.pk,
        role=role,
        is_platform_admin=user.is_platform_admin,
        permissions=permissions,
    )
