"""The rules of healing in force, and whether a cluster is to be believed at all."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from portal.kernel import clock
from portal.kernel.stored_text import stored_text
from portal.services.settings import setting_get
from provisioning.logic import health_settings as keys
from provisioning.logic.health import HealRules
from provisioning.models import Cluster


def heal_rules() -> HealRules:
    """The settings as they are now."""
    return HealRules(
        is_enabled=bool(setting_get(keys.HEAL_ENABLED)),
        threshold=int(setting_get(keys.THRESHOLD)),
        attempts=int(setting_get(keys.ATTEMPTS)),
        window=timedelta(hours=int(setting_get(keys.WINDOW_H))),
        backoff=timedelta(minutes=int(setting_get(keys.BACKOFF_MIN))),
        lease_margin=timedelta(minutes=int(setting_get(keys.LEASE_MARGIN_MIN))),
    )


def cluster_doubt(cluster: Cluster) -> str:
    """Why nothing that a cluster shows is to be believed now; "" when it is."""
    age = timedelta(seconds=float(settings.PROVISIONING["listing_age_s"]))
    if not cluster.is_active:
        return stored_text("The cluster is not in use.")
    if cluster.last_error:
        return stored_text("The cluster cannot be asked, or is not believed.")
    if cluster.last_seen_at is None or cluster.last_seen_at < clock.now() - age:
        return stored_text("The cluster was not seen for a while.")
    return ""
