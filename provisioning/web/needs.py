"""What of provisioning waits for a person, for the first page: outages, failures, ends, decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel import clock
from portal.kernel.dashboard import NEEDS_PER_SOURCE, Need, Source, Urgency
from portal.kernel.stored_text import translated
from portal.kernel.ui import Tone
from portal.services.settings import setting_get
from provisioning.logic.alerting import Severity
from provisioning.logic.styles import FINDING_KIND_STYLES
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.alerts import alerts_firing
from provisioning.selectors.deployments import is_in_hands_of
from provisioning.selectors.leases import extensions_waiting
from provisioning.selectors.overview import ClusterOverview, Outage
from provisioning.states import DeploymentStatus
from provisioning.web import sights
from provisioning.web.measures import figure_text
from provisioning.web.presentation import meters

URGENT_WITHIN: Final = timedelta(hours=24)


def _outages(request: HttpRequest) -> Iterator[Need]:
    """Clusters that cannot be asked, nodes that are gone, and nodes in maintenance with machines on them."""
    url = reverse("provisioning:infrastructure")
    for overview in sights.clusters(request):
        if overview.problem:
            yield _unreachable(overview, url)
        for outage in overview.outages:
            if not outage.is_in_maintenance or outage.machines:
                yield _outage(overview, outage, url)


def _unreachable(overview: ClusterOverview, url: str) -> Need:
    return Need(
        urgency=Urgency.CRITICAL,
        icon="unplug",
        tone=Tone.DANGER,
        title=_("%(cluster)s cannot be reached") % {"cluster": overview.cluster.name},
        text=f"{capfirst(overview.problem)}.",
        url=url,
        action=_("Look"),
        at=overview.cluster.last_seen_at or overview.cluster.created_at,
        subject=f"cluster:{overview.cluster.pk}",
    )


def _outage(overview: ClusterOverview, outage: Outage, url: str) -> Need:
    machines = ngettext("%(count)s machine on it", "%(count)s machines on it", outage.machines) % {
        "count": outage.machines
    }
    name = {"node": outage.name, "cluster": overview.cluster.name}
    if outage.is_in_maintenance:
        title = _("%(node)s of %(cluster)s is in maintenance") % name
    else:
        title = _("%(node)s of %(cluster)s is down") % name
    return Need(
        urgency=Urgency.CRITICAL,
        icon="server-off",
        tone=Tone.WARN if outage.is_in_maintenance else Tone.DANGER,
        title=title,
        text=" · ".join(part for part in (machines, outage.reason) if part),
        url=url,
        action=_("Look"),
        at=outage.since or clock.now(),
        subject=f"node:{outage.node_id}",
    )


def _quota(request: HttpRequest) -> Iterator[Need]:
    """Dimensions of which nothing is left."""
    full = [
        one for one in sights.quota(request) if one.limit is not None and one.used >= one.limit > 0
    ]
    if full:
        is_beyond = any(one.limit is not None and one.used > one.limit for one in full)
        yield Need(
            urgency=Urgency.CRITICAL,
            icon="gauge",
            tone=Tone.DANGER if is_beyond else Tone.WARN,
            title=_("The quota is exceeded") if is_beyond else _("The quota is used up"),
            text=" · ".join(
                f"{meter['label']} {meter['text']}" for meter in meters(full, with_change=False)
            ),
            url=reverse("provisioning:deployment_list"),
            action=_("Show machines"),
            at=clock.now(),
            subject="quota",
        )


def _troubled(request: HttpRequest) -> Iterator[Need]:
    """Machines that failed or stand still until a person acts, of those in one's hands."""
    actor = sights.actor()
    for deployment in sights.troubled(request):
        if is_in_hands_of(actor, deployment):
            yield _trouble(deployment)


def _trouble(deployment: Deployment) -> Need:
    url = reverse("provisioning:deployment_detail", args=[deployment.pk])
    may_retry = deployment.status == DeploymentStatus.ERROR and deployment.ready_at is None
    message = translated((deployment.attention or {}).get("message"))
    return Need(
        urgency=Urgency.FAILED,
        icon="hand" if deployment.attention else "octagon-x",
        tone=Tone.WARN if deployment.attention else Tone.DANGER,
        title=deployment.name,
        text=message or _("It failed and does not run."),
        url=url,
        action=_("Try again") if may_retry and not deployment.attention else _("Look"),
        at=deployment.updated_at,
        subject=f"deployment:{deployment.pk}",
        post_to=_action(deployment, "retry") if may_retry and not deployment.attention else "",
    )


def _unwell(request: HttpRequest) -> Iterator[Need]:
    """Machines whose health failed, of those in one's hands."""
    for deployment in sights.unwell(request):
        if is_in_hands_of(sights.actor(), deployment):
            url = reverse("provisioning:deployment_detail", args=[deployment.pk])
            yield Need(
                urgency=Urgency.FAILED,
                icon="heart-crack",
                tone=Tone.DANGER,
                title=deployment.name,
                text=_("It is unwell."),
                url=f"{url}?tab=health",
                action=_("Look"),
                at=deployment.updated_at,
                subject=f"deployment:{deployment.pk}",
            )


def _ending(request: HttpRequest) -> Iterator[Need]:
    """Leases that end within a day, of machines in one's hands."""
    actor, soon = sights.actor(), clock.now() + URGENT_WITHIN
    if not actor.may(Permission.OPERATE):
        return
    for deployment in sights.ending(request):
        if deployment.expires_at <= soon and is_in_hands_of(actor, deployment):
            yield _end(deployment)


def _end(deployment: Deployment) -> Need:
    is_over = deployment.delete_after is not None
    return Need(
        urgency=Urgency.ENDING,
        icon="trash-2" if is_over else "alarm-clock",
        tone=Tone.DANGER if is_over else Tone.WARN,
        title=deployment.name,
        text=_("Its lease has ended; it is deleted") if is_over else _("Its lease ends"),
        url=reverse("provisioning:deployment_detail", args=[deployment.pk]),
        action=_("Extend by %(hours)s h") % {"hours": extension_hours()},
        at=deployment.delete_after or deployment.expires_at,
        subject=f"deployment:{deployment.pk}",
        post_to=_action(deployment, "extend"),
        field="hours",
        value=str(extension_hours()),
    )


def extension_hours() -> int:
    """What one click adds: a day, or less where the rules give less."""
    return min(24, int(setting_get("cloudpods.lease.max_extension_hours")))


def _requests(request: HttpRequest) -> Iterator[Need]:
    """Requests for more time that the actor may decide: not his own."""
    if not sights.live(request).waiting:
        return
    actor = sights.actor()
    waiting = extensions_waiting(actor=actor).exclude(requester_id=actor.user_id)
    for one in waiting[:NEEDS_PER_SOURCE]:
        url = reverse("provisioning:deployment_detail", args=[one.deployment_id])
        yield Need(
            urgency=Urgency.DECISION,
            icon="hourglass",
            tone=Tone.VIOLET,
            title=one.deployment.name,
            text=_("%(who)s asks for %(hours)s h more: %(reason)s")
            % {"who": one.requester, "hours": one.hours, "reason": one.reason},
            url=f"{url}#lease",
            action=_("Decide"),
            at=one.created_at,
        )


def _findings(request: HttpRequest) -> Iterator[Need]:
    """What differs on the clusters and waits for somebody."""
    for finding in sights.findings(request):
        name = finding.deployment.name if finding.deployment else finding.cluster.code
        style = FINDING_KIND_STYLES[finding.kind]
        where = f"{finding.cluster.code} / {finding.vmid}" if finding.vmid else finding.cluster.code
        yield Need(
            urgency=Urgency.DIFFERENCE,
            icon=style.icon,
            tone=style.tone,
            title=name,
            text=f"{style.label} · {where}",
            url=reverse("provisioning:finding_detail", args=[finding.pk]),
            action=_("Decide"),
            at=finding.created_at,
        )


def _alerts(_request: HttpRequest) -> Iterator[Need]:
    """Critical figures that nobody looks after yet."""
    critical = alerts_firing(actor=sights.actor()).filter(
        severity=Severity.CRITICAL, acknowledged_at__isnull=True
    )
    for alert in critical[:NEEDS_PER_SOURCE]:
        yield Need(
            urgency=Urgency.CRITICAL,
            icon="siren",
            tone=Tone.DANGER,
            title=alert.subject_name,
            text=f"{alert.rule.title} · {figure_text(alert.rule.metric, alert.value)}",
            url=reverse("provisioning:alert_list"),
            action=_("Look"),
            at=alert.fired_at or alert.since,
            subject=f"{alert.subject_kind}:{alert.subject_id}",
        )


def _action(deployment: Deployment, action: str) -> str:
    return reverse("provisioning:deployment_action", args=[deployment.pk, action])


def _of_machines(find: Callable[[HttpRequest], Iterable[Need]]) -> Callable[..., Iterable[Need]]:
    """The same for roles that may see machines, nothing for others."""
    return lambda request: find(request) if sights.actor().may(Permission.VIEW) else ()


NEEDS: Final[Iterable[Source[Need]]] = (
    Source("outages", Permission.INFRASTRUCTURE_VIEW, _outages),
    Source("quota", "quota.view", _quota),
    Source("troubled", Permission.OPERATE, _of_machines(_troubled)),
    Source("unwell", Permission.HEALTH_VIEW, _of_machines(_unwell)),
    Source("ending", Permission.OPERATE, _of_machines(_ending)),
    Source("requests", Permission.APPROVE, _of_machines(_requests)),
    Source("alerts", Permission.ALERTS_VIEW, _alerts, is_for_all=True),
    Source("findings", Permission.FINDINGS_MANAGE, _findings, is_for_all=True),
)
