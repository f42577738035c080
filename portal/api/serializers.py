"""Shapes of accounts, tokens, settings, operations and workers."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from portal.kernel.api.fields import Choice
from portal.kernel.api.guards import GuardedFields
from portal.kernel.api.shapes import reads
from portal.logic.progress import percent_of
from portal.models import Language, Operation, OperationAttempt, Theme, Worker
from portal.permissions import Permission
from portal.selectors.operations import operation_href, operation_label
from portal.services.replays import REPLAYED_AT_ONCE
from portal.states import RETRYABLE_STATUSES, WorkerStatus

NAME_LENGTH = 150
PASSWORD_LENGTH = 1024


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "usual", {"grant_type": "password", "username": "demo-ops", "password": "demo-ops"}
        )
    ]
)
class TokenRequest(serializers.Serializer[Any]):
    """RFC 6749 §4.3 and §6."""

    grant_type = serializers.CharField(help_text="password or refresh_token")
    username = serializers.CharField(required=False, max_length=NAME_LENGTH)
    password = serializers.CharField(
        required=False, max_length=PASSWORD_LENGTH, trim_whitespace=False
    )
    refresh_token = serializers.CharField(required=False, max_length=200)


class TokenAnswer(serializers.Serializer[Any]):
    """RFC 6749 §5.1."""

    access_token = serializers.CharField(help_text="a JWT")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")
    refresh_token = serializers.CharField(help_text="works once")


class TokenError(serializers.Serializer[Any]):
    """RFC 6749 §5.2."""

    error = serializers.CharField()
    error_description = serializers.CharField()


class RevokeRequest(serializers.Serializer[Any]):
    """RFC 7009 §2.1."""

    token = serializers.CharField(max_length=4096)
    token_type_hint = serializers.CharField(required=False)


class TenantShape(serializers.Serializer[Any]):
    """An organisation of the person."""

    id = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField(source="role_code")


class UserShape(serializers.Serializer[Any]):
    """The person."""

    id = serializers.CharField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    email = serializers.CharField()
    timezone = serializers.CharField()
    is_platform_admin = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PreferencesShape(serializers.Serializer[Any]):
    """What the person has chosen; empty or `browser` where that is left to others."""

    theme = serializers.CharField()
    language = serializers.CharField()
    timezone = serializers.CharField()
    has_shortcuts = serializers.BooleanField()


class MeShape(serializers.Serializer[Any]):
    """Who asks, where, and what is allowed there."""

    user = UserShape()
    role = serializers.CharField(allow_null=True)
    tenant = TenantShape(allow_null=True)
    tenants = TenantShape(many=True)
    permissions = serializers.ListField(child=serializers.CharField())
    theme = serializers.CharField()
    language = serializers.CharField(help_text="What answers speak: en or fr.")
    preferences = PreferencesShape(source="user")


class ProfileRequest(serializers.Serializer[Any]):
    """What people may change about themselves."""

    display_name = serializers.CharField(required=False, allow_blank=True, max_length=NAME_LENGTH)
    email = serializers.EmailField(required=False, allow_blank=True)
    theme = Choice(required=False, choices=Theme.choices)
    language = Choice(required=False, choices=Language.choices)
    timezone = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="Empty: the platform's."
    )
    has_shortcuts = serializers.BooleanField(required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "usual", {"old_password": "the one so far", "new_password": "a longer new one"}
        )
    ]
)
class PasswordRequest(serializers.Serializer[Any]):
    """The old password and the new one."""

    old_password = serializers.CharField(max_length=PASSWORD_LENGTH, trim_whitespace=False)
    new_password = serializers.CharField(max_length=PASSWORD_LENGTH, trim_whitespace=False)


class SettingShape(serializers.Serializer[Any]):
    """A system setting."""

    id = serializers.CharField(help_text="namespace.key")
    namespace = serializers.CharField(source="definition.namespace")
    key = serializers.CharField(source="definition.key")
    value = serializers.JSONField()
    value_type = serializers.CharField(source="definition.value_type")
    default = serializers.JSONField(source="definition.default")
    description = serializers.CharField(source="definition.description")
    unit = serializers.CharField(source="definition.unit")
    updated_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(many=False)
class SettingPage(serializers.Serializer[Any]):
    """All settings; there is never a second page."""

    results = SettingShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


@extend_schema_serializer(examples=[OpenApiExample("usual", {"value": 720})])
class SettingRequest(serializers.Serializer[Any]):
    """A new value; `null` is no value."""

    value = serializers.JSONField()


class OperationAttentionShape(serializers.Serializer[Any]):
    """What a person must do."""

    code = serializers.CharField()
    message = serializers.CharField()
    command = serializers.CharField(allow_blank=True)


class OperationStepShape(serializers.Serializer[Any]):
    """One step: pending, running, waiting, completed, skipped, failed or canceled."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    status = serializers.CharField()
    started_at = serializers.CharField(allow_null=True)
    finished_at = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    percent = serializers.IntegerField()


class OperationSerializer(GuardedFields, serializers.ModelSerializer[Operation]):
    """Work in the background; `payload` is for operators."""

    guarded_fields: ClassVar[dict[str, str]] = {"payload": Permission.OPERATIONS_MANAGE}

    tenant_id = serializers.UUIDField(read_only=True)
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    href = serializers.SerializerMethodField()
    percent = serializers.SerializerMethodField()
    steps = OperationStepShape(many=True, read_only=True)
    attention = OperationAttentionShape(read_only=True, allow_null=True)
    retry_of = serializers.UUIDField(source="retry_of_id", read_only=True, allow_null=True)
    payload = serializers.DictField(read_only=True, required=False, help_text="operators only")

    class Meta:
        model = Operation
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "queue",
            "type",
            "label",
            "status",
            "payload",
            "priority",
            "attempts",
            "max_attempts",
            "scheduled_at",
            "started_at",
            "completed_at",
            "last_error",
            "attention",
            "percent",
            "step",
            "steps",
            "target_type",
            "target_id",
            "actor_id",
            "actor_label",
            "cancel_requested",
            "retry_of",
            "href",
            "created_at",
            "updated_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields

    @extend_schema_field(serializers.CharField())
    @reads("type")
    def get_label(self, operation: Operation) -> str:
        return operation_label(operation.type)

    @extend_schema_field(serializers.CharField())
    @reads("id")
    def get_href(self, operation: Operation) -> str:
        return operation_href(operation.id)

    @extend_schema_field(serializers.IntegerField())
    @reads("steps")
    def get_percent(self, operation: Operation) -> int:
        return percent_of(operation.steps)


class ReplayFilter(serializers.Serializer[Any]):
    """Which of the operations that failed and were not replayed yet."""

    status = Choice(required=False, choices=[str(s) for s in RETRYABLE_STATUSES])
    type = serializers.CharField(required=False, max_length=80)
    queue = serializers.CharField(required=False, max_length=32)
    target_type = serializers.CharField(required=False, max_length=64)
    target_id = serializers.UUIDField(required=False)


class ReplayRequest(serializers.Serializer[Any]):
    """Either `ids` or `filter`; an empty filter means all that failed."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=REPLAYED_AT_ONCE
    )
    filter = ReplayFilter(required=False)


class ReplayShape(serializers.Serializer[Any]):
    """What became of one; `operation_id` is the new row, also where it was made earlier."""

    id = serializers.CharField()
    outcome = Choice(choices=["replayed", "refused"])
    operation_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)


class ReplayAnswer(serializers.Serializer[Any]):
    """One result per operation, in the order they were tried."""

    results = ReplayShape(many=True)


class OperationTryShape(serializers.ModelSerializer[OperationAttempt]):
    """One try of an operation."""

    class Meta:
        model = OperationAttempt
        fields = ("attempt", "worker", "started_at", "finished_at", "outcome", "error")
        read_only_fields = fields


class OperationDetailSerializer(OperationSerializer):
    """One operation with the tail of the outside's log and its tries."""

    log = serializers.ListField(child=serializers.CharField(), read_only=True)
    result = serializers.DictField(read_only=True, allow_null=True)
    tries = OperationTryShape(many=True, read_only=True)
    retry_refusal = serializers.SerializerMethodField(
        help_text="why a retry would be refused now; null where it would not, or nothing has failed"
    )

    class Meta(OperationSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (
            *OperationSerializer.Meta.fields,
            "log",
            "result",
            "tries",
            "retry_refusal",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields

    def get_retry_refusal(self, _operation: Operation) -> str | None:
        refusal: str = self.context["retry_refusal"]
        return refusal or None


class QueueShape(serializers.Serializer[Any]):
    """One queue, across all organisations; rates are operations ended per minute."""

    queue = serializers.CharField()
    due = serializers.IntegerField(help_text="could run now")
    later = serializers.IntegerField(help_text="wait for their moment")
    running = serializers.IntegerField()
    oldest_due_at = serializers.DateTimeField(allow_null=True)
    ended_per_minute_5 = serializers.FloatField(source="rate_5_min")
    ended_per_minute_15 = serializers.FloatField(source="rate_15_min")
    failed_15_min = serializers.IntegerField()
    retried_15_min = serializers.IntegerField()


@extend_schema_serializer(many=False)
class QueuePage(serializers.Serializer[Any]):
    """All queues, in the order of the engine."""

    results = QueueShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    """A worker process as it last reported."""

    status = Choice(source="shown", choices=WorkerStatus.choices, read_only=True)

    class Meta:
        model = Worker
        fields = (
            "id",
            "name",
            "queue",
            "last_heartbeat_at",
            "status",
            "host",
            "running",
            "drain_requested",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields
