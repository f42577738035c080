"""Deciding where a machine is made: by the plan without locks, by the submit under the clusters' rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from billing.logic.quota import Amounts
from provisioning.errors import NoCapacity
from provisioning.logic.placement import (
    Candidate,
    Decision,
    Place,
    decide,
    growth_missing,
    nodes_with_room,
)
from provisioning.models import Cluster, Deployment, Template
from provisioning.selectors.capacity import places_by_template, places_of, room_of


def placement_preview(template: Template, need: Amounts) -> Decision:
    """Where it would be made now; nothing is held, so a submit decides again."""
    places = places_of(template)
    room = room_of({cluster.pk: cluster for cluster, _ in places}.values())
    return decide(need=need, places=[place for _, place in places], room=room)


def placements_preview(wanted: Sequence[tuple[Template, Amounts]]) -> list[Decision]:
    """The same for many wishes, each by itself; what the clusters bear is read once."""
    places = places_by_template({template.pk: template for template, _ in wanted}.values())
    clusters = {cluster.pk: cluster for found in places.values() for cluster, _ in found}
    room = room_of(clusters.values())
    return [
        decide(need=need, places=[place for _, place in places[template.pk]], room=room)
        for template, need in wanted
    ]


def placement_demand(decision: Decision) -> Candidate:
    """The chosen place. Raises NoCapacity naming what is missing."""
    if decision.chosen is not None:
        return decision.chosen
    counts: dict[str, int] = {}
    for candidate in decision.candidates:
        for reason in candidate.reasons:
            counts[reason.code] = counts.get(reason.code, 0) + 1
    raise NoCapacity(decision.reason, reasons=counts)


@transaction.atomic
def placement_decide(
    template: Template, need: Amounts, *, only: tuple[Cluster, Place] | None = None
) -> tuple[Cluster, Decision]:
    """Decides and keeps the clusters' rows locked, so that nobody fills the same room meanwhile.

    The rows are locked in the order of their keys; sums are read after the locks, when every earlier
    submit has committed. `only` is the one place that counts, instead of those of the template.

    Raises:
        NoCapacity: no place fits.
    """
    places = [only] if only else places_of(template)
    wanted = {cluster.pk for cluster, _ in places}
    locked = (
        Cluster.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=wanted)
        .order_by("pk")
    )
    clusters = {cluster.code: cluster for cluster in locked}
    decision = decide(
        need=need, places=[place for _, place in places], room=room_of(clusters.values())
    )
    return clusters[placement_demand(decision).cluster], decision


def growth_preview(deployment: Deployment, wanted: Amounts) -> tuple[str, tuple[str, ...]]:
    """What is missing where the machine is, or nothing; then the nodes that could take it whole, too."""
    room = room_of([deployment.cluster])
    node, storage = deployment.node, deployment.storage_pool
    growth = wanted.minus(deployment.amounts)
    lacking = growth_missing(room, node=node, storage=storage, growth=growth)
    if not lacking:
        return "", ()
    others = nodes_with_room(room, node=node, storage=storage, need=wanted, growth=growth)
    return lacking, others


@transaction.atomic
def growth_demand(*, cluster_id: UUID, node: str, storage: str, growth: Amounts) -> None:
    """Passes while the node and the storage a machine is on have room for its growth, else raises NoCapacity.

    The cluster's row stays locked until the growth is written.
    """
    cluster = Cluster.objects.select_for_update(of=("self",), no_key=True).get(pk=cluster_id)
    room = room_of([cluster])
    lacking = growth_missing(room, node=node, storage=storage, growth=growth)
    if lacking:
        raise NoCapacity(lacking)
