"""What billing does when something happens below it."""

from __future__ import annotations

from billing.services.notices import notices_register
from billing.services.tenants import first_tenant_ensure
from portal.events import PlatformBootstrapped
from portal.kernel.events import subscribe


def _on_bootstrap(event: PlatformBootstrapped) -> None:
    first_tenant_ensure(admin_id=event.admin_id)


def register() -> None:
    """Subscribes."""
    notices_register()
    subscribe(PlatformBootstrapped, _on_bootstrap)
