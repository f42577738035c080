"""Shapes of people, roles, teams and sessions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from portal.api.serializers import NAME_LENGTH, PASSWORD_LENGTH
from portal.kernel.api.fields import Choice, Flag, Text
from portal.kernel.authz import ROLES
from portal.models import Role, Team, User
from portal.states import SessionKind

ROLE_CODE = r"^[a-z][a-z0-9-]{0,39}$"
SLUG = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
PERMISSIONS_MOST = 500


class SessionShape(serializers.Serializer[Any]):
    """A browser or a family of API tokens that is signed in."""

    id = serializers.UUIDField()
    kind = Choice(choices=SessionKind.choices)
    user_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(help_text="of tokens, the last refresh")
    expires_at = serializers.DateTimeField()
    address = serializers.CharField(allow_blank=True)
    agent = serializers.CharField(allow_blank=True)
    is_current = serializers.BooleanField()


@extend_schema_serializer(many=False)
class SessionPage(serializers.Serializer[Any]):
    """All sessions; there is never a second page."""

    results = SessionShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class RevokedShape(serializers.Serializer[Any]):
    """How many sessions ended."""

    revoked = serializers.IntegerField()


class PermissionShape(serializers.Serializer[Any]):
    """A permission and the roles that hold it out of the box."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    roles = serializers.ListField(child=serializers.CharField())
    is_platform = serializers.BooleanField(help_text="held by platform staff")


@extend_schema_serializer(many=False)
class PermissionPage(serializers.Serializer[Any]):
    """All permissions; there is never a second page."""

    results = PermissionShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class RoleShape(serializers.ModelSerializer[Role]):
    """A role: the same for every organisation."""

    permissions = serializers.ListField(child=serializers.CharField(), read_only=True)
    is_default = serializers.SerializerMethodField(help_text="one of the six uHub comes with")

    class Meta:
        model = Role
        fields = ("id", "code", "name", "permissions", "is_default", "created_at", "updated_at")
        read_only_fields = fields

    @extend_schema_field(serializers.BooleanField())
    def get_is_default(self, role: Role) -> bool:
        return role.code in ROLES


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "usual", {"code": "auditor", "name": "Auditor", "permissions": ["audit.view"]}
        )
    ]
)
class RoleCreateRequest(serializers.Serializer[Any]):
    """A new role."""

    code = serializers.RegexField(ROLE_CODE, max_length=40)
    name = Text(max_length=80)
    permissions = serializers.ListField(
        child=Text(max_length=80), max_length=PERMISSIONS_MOST, default=list
    )


class RoleChangeRequest(serializers.Serializer[Any]):
    """What may be changed of a role; `permissions` replaces all of them."""

    name = Text(max_length=80, required=False)
    permissions = serializers.ListField(
        child=Text(max_length=80), max_length=PERMISSIONS_MOST, required=False
    )


class MembershipShape(serializers.Serializer[Any]):
    """Where somebody belongs, and as what."""

    tenant_id = serializers.UUIDField()
    tenant = serializers.CharField(source="tenant.slug")
    role = serializers.CharField(source="role.code")
    created_at = serializers.DateTimeField()


class PersonShape(serializers.ModelSerializer[User]):
    """A person as colleagues see one; `memberships` are those of the active organisation."""

    email = serializers.CharField(read_only=True, help_text="empty where none is known")
    memberships = MembershipShape(many=True, source="shown_memberships", read_only=True)

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "display_name",
            "email",
            "is_active",
            "is_platform_admin",
            "memberships",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "usual", {"username": "ada", "role": "dev", "password": "first-password-of-ada"}
        )
    ]
)
class PersonCreateRequest(serializers.Serializer[Any]):
    """A new member; `password` is the first one, which must be replaced at the first sign-in.

    Platform staff leave it out for somebody who has an account.
    """

    username = Text(max_length=NAME_LENGTH)
    role = Text(max_length=40)
    password = Text(required=False, max_length=PASSWORD_LENGTH, trim_whitespace=False)
    display_name = Text(required=False, allow_blank=True, max_length=NAME_LENGTH)
    email = serializers.EmailField(required=False, allow_blank=True)


class PersonChangeRequest(serializers.Serializer[Any]):
    """`role` is the one in the active organisation; the rest is for platform staff."""

    role = Text(required=False, max_length=40)
    display_name = Text(required=False, allow_blank=True, max_length=NAME_LENGTH)
    email = serializers.EmailField(required=False, allow_blank=True)
    is_active = Flag(required=False)
    is_platform_admin = Flag(required=False)


class TeamPersonShape(serializers.Serializer[Any]):
    """Somebody in a team."""

    id = serializers.UUIDField(source="user.id")
    username = serializers.CharField(source="user.username")
    display_name = serializers.CharField(source="user.display_name")


class TeamShape(serializers.ModelSerializer[Team]):
    """A team with its people."""

    tenant_id = serializers.UUIDField(read_only=True)
    members = TeamPersonShape(many=True, source="places.all", read_only=True)

    class Meta:
        model = Team
        fields = (
            "id",
            "tenant_id",
            "name",
            "slug",
            "description",
            "members",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


@extend_schema_serializer(
    examples=[OpenApiExample("usual", {"name": "Night shift", "slug": "night-shift"})]
)
class TeamCreateRequest(serializers.Serializer[Any]):
    """A new team; without a slug, one is made from the name."""

    name = Text(max_length=80)
    slug = serializers.RegexField(SLUG, max_length=40, required=False)
    description = Text(max_length=500, required=False, allow_blank=True)


class TeamChangeRequest(serializers.Serializer[Any]):
    """What may be changed of a team."""

    name = Text(max_length=80, required=False)
    slug = serializers.RegexField(SLUG, max_length=40, required=False)
    description = Text(max_length=500, required=False, allow_blank=True)


class TeamMemberRequest(serializers.Serializer[Any]):
    """Who joins."""

    user = serializers.UUIDField()
