"""Shapes of the same action on many deployments."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from portal.kernel.api.fields import Choice, Text, Whole
from portal.selectors.operations import operation_brief
from provisioning.logic.leases import HOURS_MOST
from provisioning.logic.requests import TAGS_MAX
from provisioning.services.bulk import ACCEPTED, ACTIONS, BULK_MOST, NOT_FOUND, REFUSED, BulkResult
from provisioning.services.lifecycle import STOP_MODES

_BRIEF = {
    "type": "object",
    "required": ["id", "status", "href"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "status": {"type": "string"},
        "href": {"type": "string"},
    },
}
_ERROR = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
}


class TagList(serializers.ListField):
    """Tags by name."""

    child = serializers.CharField(max_length=40)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=TAGS_MAX, **kwargs)


@extend_schema_serializer(
    examples=[
        OpenApiExample("usual", {"action": "stop", "ids": ["0192f0c1-5d1e-7c3a-9c55-0f6f2b8f6a10"]})
    ]
)
class BulkSerializer(serializers.Serializer[Any]):
    """`mode` belongs to stop; `hours`, needed, and `reason` to extend; `add` and `remove` to tag;
    `to_user_id`, needed, and `reason` to transfer.
    """

    action = Choice(choices=ACTIONS)
    ids = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=BULK_MOST
    )
    mode = Choice(choices=STOP_MODES, required=False)
    hours = Whole(min_value=-HOURS_MOST, max_value=HOURS_MOST, required=False)
    reason = Text(required=False, max_length=500, allow_blank=True)
    add = TagList(required=False)
    remove = TagList(required=False)
    to_user_id = serializers.UUIDField(required=False)


class BulkResultSerializer(serializers.Serializer[BulkResult]):
    """What became of one; `operation` where work was started, `error` where it was not."""

    id = serializers.CharField()
    outcome = Choice(choices=[ACCEPTED, REFUSED, NOT_FOUND])
    operation = serializers.SerializerMethodField()
    extension_request_id = serializers.SerializerMethodField(
        help_text="what extending beyond the rules, with a reason, has become"
    )
    transfer_id = serializers.SerializerMethodField(help_text="the offer, or the change of owner")
    error = serializers.SerializerMethodField()

    @extend_schema_field({"oneOf": [_BRIEF, {"type": "null"}]})
    def get_operation(self, result: BulkResult) -> Any:
        return operation_brief(result.operation) if result.operation else None

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_extension_request_id(self, result: BulkResult) -> str | None:
        return str(result.extension_request.pk) if result.extension_request else None

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_transfer_id(self, result: BulkResult) -> str | None:
        return str(result.transfer.pk) if result.transfer else None

    @extend_schema_field({"oneOf": [_ERROR, {"type": "null"}]})
    def get_error(self, result: BulkResult) -> Any:
        error = result.error
        return {"code": error.error_code, "detail": error.message} if error else None


@extend_schema_serializer(many=False)
class BulkAnswerSerializer(serializers.Serializer[Any]):
    """One result per deployment, in the order they were named."""

    results = BulkResultSerializer(many=True)
