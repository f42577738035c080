"""Tables of provisioning."""

from __future__ import annotations

from provisioning.models.cluster import Cluster, GuestObservation, VmidAllocation
from provisioning.models.deployment import Deployment
from provisioning.models.lease import ExtensionRequest, LeaseWarning
from provisioning.models.template import Template, TemplateType

__all__ = [
    "Cluster",
    "Deployment",
    "ExtensionRequest",
    "GuestObservation",
    "LeaseWarning",
    "Template",
    "TemplateType",
    "VmidAllocation",
]
