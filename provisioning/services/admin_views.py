"""Looking across organisations leaves a trace."""

from __future__ import annotations

from audit.services import trail
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.tags import Tag


def overview_viewed(*, actor: Actor, page: str) -> None:
    """Somebody of the platform looked at all organisations together."""
    trail.record(
        tag=Tag.ADMIN_VIEWED,
        target_type="page",
        target_id=page,
        actor=actor,
        tenant_id=PLATFORM_TENANT_ID,
    )
