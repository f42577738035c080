"""What provisioning tells the apps above."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DeploymentChanged:
    """A deployment reached another state."""

    deployment_id: UUID
    tenant_id: UUID
    status: str
