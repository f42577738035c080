"""How the installation of a machine's application stands."""

from __future__ import annotations

from uuid import UUID

from provisioning.models import Bootstrap, Deployment, Template, TemplateCopy


def bootstrap_of(deployment: Deployment) -> Bootstrap | None:
    """The installation of a machine that the caller may see, if its template has one."""
    return Bootstrap.objects.filter(deployment=deployment).first()


def snippet_of(template: Template, *, cluster_id: UUID, vmid: int | None) -> str:
    """The snippet that the place it is cloned from has on its node, or nothing."""
    if vmid is None or (template.cluster_id, template.proxmox_template_vmid) == (cluster_id, vmid):
        return template.snippet
    copy = TemplateCopy.objects.filter(template=template, cluster_id=cluster_id, vmid=vmid).first()
    return copy.snippet if copy is not None else ""
