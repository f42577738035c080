"""What belongs to a machine is compared behind the machine's lock: the order that every change keeps."""

from __future__ import annotations

from uuid import UUID

from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import NotFound
from provisioning.selectors.deployments import machine_lock


class BehindMachine(PortalViewSet):
    """A kind of object that belongs to a machine: the one in the address, or the one it says itself."""

    def home(self) -> UUID | str | None:
        """The machine of the object at hand. May raise NotFound."""
        machine: str = self.kwargs["deployment_id"]
        return machine

    def locked_version(self) -> str | None:
        """As for every object, with its machine locked first."""
        try:
            machine_lock(self.home())
        except NotFound:
            return None
        return super().locked_version()
