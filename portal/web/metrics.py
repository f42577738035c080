"""`/metrics` for Prometheus: with the token, or from a network that may look; loopback unless told."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from portal.kernel.authz import PUBLIC
from portal.kernel.exposition import COUNTED, gauges
from portal.kernel.web.views import PortalView
from portal.middleware.addresses import client_address
from portal.services.exposition import buckets_of, counted_totals

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BEARER: Final = "Bearer "
_FORWARDED: Final = ("X-Forwarded-For", "Forwarded")


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Metrics(PortalView):
    """The figures of all processes together; 403 for whoever may not look."""

    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        if not _may_look(request):
            return HttpResponse("not allowed\n", status=403, content_type="text/plain")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector())
        response = HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE)
        response["Cache-Control"] = "no-store"
        return response


class _Collector(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from _counted()
        for gauge in gauges():
            kind = CounterMetricFamily if gauge.is_total else GaugeMetricFamily
            family = kind(gauge.name, gauge.text, labels=gauge.labels)
            for labels, value in gauge.samples:
                family.add_metric(labels, value)
            yield family


def _counted() -> Iterator[Metric]:
    totals = counted_totals()
    for one in COUNTED:
        if one.is_histogram:
            histogram = HistogramMetricFamily(one.name, one.text, labels=one.labels)
            for labels, buckets, total in buckets_of(totals, one):
                histogram.add_metric(labels, buckets, total)
            yield histogram
            continue
        counter = CounterMetricFamily(one.name, one.text, labels=one.labels)
        for labels, value in sorted(totals.get(one.key, {}).items()):
            counter.add_metric(labels, value)
        yield counter


def _may_look(request: HttpRequest) -> bool:
    """A token that fits, or an address of a network that may.

    A proxy nobody told us about makes every address its own: then only the token counts.
    """
    token, given = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    if token and given.startswith(_BEARER):
        return constant_time_compare(given.removeprefix(_BEARER).strip(), token)
    is_hidden = not settings.TRUSTED_PROXY_COUNT and any(
        name in request.headers for name in _FORWARDED
    )
    address = client_address(request)
    if is_hidden or not address:
        return False
    here = ip_address(address)
    return any(here in ip_network(network) for network in settings.METRICS_NETWORKS)
