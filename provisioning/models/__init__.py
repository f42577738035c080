"""Tables of provisioning."""

from __future__ import annotations

from provisioning.models.cluster import Cluster, GuestObservation, VmidAllocation
from provisioning.models.deployment import Deployment
from provisioning.models.finding import Finding
from provisioning.models.lease import ExtensionRequest, LeaseWarning
from provisioning.models.template import Template, TemplateType

__all__ = [
    "Cluster",
    "Deployment",
    "ExtensionRequest",
    "Finding",
    "GuestObservation",
    "LeaseWarning",
    "Template",
    "TemplateType",
    "VmidAllocation",
]
