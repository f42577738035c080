"""Shapes of the audit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.models import Entry
from portal.kernel.api.shapes import reads
from portal.kernel.audit_tags import tag_specs


@extend_schema_field({"type": "object", "additionalProperties": True})
class Facts(serializers.JSONField):
    """Names and values."""


class EntryShape(serializers.Serializer[Any]):
    """What happened, who did it, from where, and what it changed. Entries never change."""

    id = serializers.CharField()
    tenant_id = serializers.CharField()
    seq = serializers.IntegerField(help_text="rises with time; gaps mean nothing")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(source="created_at")
    category = serializers.CharField()
    tag = serializers.CharField()
    tag_label = serializers.SerializerMethodField()
    outcome = serializers.CharField()
    actor_kind = serializers.CharField()
    actor_id = serializers.CharField(allow_null=True)
    actor_label = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    target_label = serializers.CharField()
    before = Facts(allow_null=True)
    after = Facts(allow_null=True)
    detail = Facts(allow_null=True)
    request_id = serializers.CharField()
    operation_id = serializers.CharField(allow_null=True)
    address = serializers.CharField()
    channel = serializers.CharField()
    row_hash = serializers.CharField()

    @reads("tag")
    def get_tag_label(self, entry: Entry) -> str:
        """The tag in words; a tag of an app that is gone stays itself."""
        spec = tag_specs().get(entry.tag)
        return str(spec.label) if spec else entry.tag
