"""How many machines may be cloned onto one storage at once.

A hypervisor gives a storage's lock up after ten seconds of waiting, so a storm of clones makes some of them
fail. Waiting here, where it costs nothing, turns those failures into a queue.
"""

from __future__ import annotations

from django.db import transaction

from portal.kernel import clock
from portal.services.settings import setting_get
from provisioning.models import Cluster, Deployment
from provisioning.states import DeploymentStatus

LIMIT_SETTING = "cloudpods.clone.max_per_storage"


@transaction.atomic
def slot_take(deployment: Deployment) -> bool:
    """Takes a slot by noting that the clone is about to be asked for; False when none is free now.

    The cluster's row is the lock, so that two tenants cannot take the last slot together; the count goes
    through the platform role, because slots are shared by all tenants. A slot is free again when the clone
    was proven to be there, or the provisioning ended otherwise.
    """
    if deployment.clone_requested_at is not None:
        return True
    Cluster.objects.select_for_update(of=("self",)).get(pk=deployment.cluster_id)
    taken = Deployment.across_tenants.filter(
        cluster_id=deployment.cluster_id,
        template__storage_pool=deployment.template.storage_pool,
        status=DeploymentStatus.PROVISIONING,
        clone_requested_at__isnull=False,
        guest_uuid="",
    ).count()
    if taken >= int(setting_get(LIMIT_SETTING)):
        return False
    Deployment.objects.filter(pk=deployment.pk).update(clone_requested_at=clock.now())
    return True
