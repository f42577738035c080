"""`…/metrics`: figures over time of machines, nodes and hosts; `/api/probes/samples`: what probes say."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.schema import ErrorAnswer
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import PUBLIC
from portal.kernel.errors import InvalidInput
from provisioning.logic.measures import METRICS, RANGES, SHARES, Metric, SubjectKind
from provisioning.logic.samples import BODY_MOST, sample_parse
from provisioning.models import Deployment, MetricSubject, MonitoredHost, Node
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.selectors.measures import (
    Series,
    deployment_now,
    deployment_series,
    host_series,
    range_read,
)
from provisioning.selectors.servers import server_get
from provisioning.services.hosts import probe_host, sample_accept

_RANGE = OpenApiParameter(
    "range", enum=[one.code for one in RANGES], description="How far back; 1h without one."
)
_METRIC = OpenApiParameter(
    "metric", str, description="Names of metrics, separated by commas; all without any."
)


class FiguresSerializer(serializers.ModelSerializer[MetricSubject]):
    """The newest figures; shares in percent, flows in bytes per second, sizes in bytes."""

    class Meta:
        model = MetricSubject
        fields = (
            "at",
            *METRICS,
            "uptime_s",
            "cpu_cores",
            "memory_used",
            "memory_size",
            "disk_used",
            "disk_size",
        )


class MetricSeriesSerializer(serializers.Serializer[Any]):
    """One metric: as many values as there are times, null where nothing was measured."""

    metric = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.CharField()
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))


class MetricsSerializer(serializers.Serializer[Any]):
    """Figures over a range; `times` are Unix seconds at which the points begin."""

    range = serializers.CharField()
    step_seconds = serializers.IntegerField()
    times = serializers.ListField(child=serializers.IntegerField())
    series = MetricSeriesSerializer(many=True)
    current = FiguresSerializer(allow_null=True)


class MetricsViewSet(PortalViewSet):
    """Figures over time of one subject."""

    http_method_names = ["get", "head", "options"]
    serializer_class = MetricsSerializer
    filter_backends = ()

    def answer(self, request: Request, series: Series, now: MetricSubject | None) -> Response:
        return Response(
            {
                "range": series.range.code,
                "step_seconds": series.range.step_s,
                "times": [int(moment.timestamp()) for moment in series.times],
                "series": [
                    {
                        "metric": name,
                        "label": str(Metric(name).label),
                        "unit": "percent" if name in SHARES else "bytes_per_second",
                        "values": series.values[name],
                    }
                    for name in _metrics(request)
                ],
                "current": None if now is None else FiguresSerializer(now).data,
            }
        )


class DeploymentMetricsViewSet(MetricsViewSet):
    """Figures over time of a machine."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.VIEW}
    queryset = Deployment.objects.none()

    @extend_schema(parameters=[_RANGE, _METRIC])
    def retrieve(self, request: Request, deployment_id: str) -> Response:
        over = range_read(request.query_params.get("range"))
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        series = deployment_series(deployment.pk, over)
        return self.answer(request, series, deployment_now(deployment.pk))


class NodeMetricsViewSet(MetricsViewSet):
    """Figures over time of a node."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.INFRASTRUCTURE_VIEW}
    queryset: Any = Node.objects.none()
    kind = SubjectKind.NODE

    @extend_schema(parameters=[_RANGE, _METRIC])
    def retrieve(self, request: Request, subject_id: str) -> Response:
        over = range_read(request.query_params.get("range"))
        server = server_get(actor=self.actor, kind=self.kind, key=subject_id)
        return self.answer(request, host_series(server.pk, over), server.now)


class HostMetricsViewSet(NodeMetricsViewSet):
    """Figures over time of a host outside the clusters."""

    queryset: Any = MonitoredHost.objects.none()
    kind = SubjectKind.HOST


class SampleSerializer(serializers.Serializer[Any]):
    """What a host uses now; `*_total` are counters since its start."""

    cpu_percent = serializers.FloatField(min_value=0, max_value=100)
    memory_used = serializers.IntegerField(min_value=0)
    memory_size = serializers.IntegerField(min_value=0)
    disk_used = serializers.IntegerField(min_value=0, required=False)
    disk_size = serializers.IntegerField(min_value=0, required=False)
    disk_read_total = serializers.IntegerField(min_value=0, required=False)
    disk_write_total = serializers.IntegerField(min_value=0, required=False)
    net_in_total = serializers.IntegerField(min_value=0, required=False)
    net_out_total = serializers.IntegerField(min_value=0, required=False)
    uptime_s = serializers.IntegerField(min_value=0, required=False)
    cpu_cores = serializers.IntegerField(min_value=0, required=False)
    system = serializers.CharField(required=False, max_length=120)


class SampleAnswerSerializer(serializers.Serializer[Any]):
    """Which host was heard, and how often it should speak."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    interval_s = serializers.IntegerField()


class ProbeSampleViewSet(PortalViewSet):
    """What probes of hosts outside the clusters say. The token goes into `X-Probe-Token`."""

    permissions: ClassVar[dict[str, str]] = {"*": PUBLIC}
    secret_actions: ClassVar[frozenset[str]] = frozenset({"create"})
    authentication_classes = ()
    http_method_names = ["post", "options"]
    serializer_class = SampleSerializer
    filter_backends = ()

    @extend_schema(
        request=SampleSerializer,
        responses={202: SampleAnswerSerializer, 401: ErrorAnswer, 429: ErrorAnswer},
        parameters=[OpenApiParameter("X-Probe-Token", str, OpenApiParameter.HEADER, required=True)],
        auth=[],
    )
    def create(self, request: Request) -> Response:
        if len(request._request.body) > BODY_MOST:  # noqa: SLF001 - the bytes as they came
            raise InvalidInput(gettext("At most %(most)s bytes.") % {"most": BODY_MOST})
        host = probe_host(token=request.headers.get("X-Probe-Token", ""))
        sample_accept(host=host, sample=sample_parse(request.data))
        body: dict[str, UUID | str | int] = {
            "id": host.pk,
            "name": host.name,
            "interval_s": host.interval_s,
        }
        return Response(SampleAnswerSerializer(body).data, status=status.HTTP_202_ACCEPTED)


def _metrics(request: Request) -> list[str]:
    wanted = request.query_params.get("metric", "")
    names = [name for name in wanted.split(",") if name]
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        known = {"names": ", ".join(METRICS)}
        raise InvalidInput(gettext("There are the metrics %(names)s.") % known, field="metric")
    return names or list(METRICS)
