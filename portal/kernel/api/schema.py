"""The OpenAPI schema: standard error shapes on every operation."""

from __future__ import annotations

from drf_standardized_errors.openapi import AutoSchema


class PortalAutoSchema(AutoSchema):
    """One tag per first path segment below /api."""

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part and part != "api"]
        return [parts[0]] if parts else ["api"]
