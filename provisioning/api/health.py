"""A machine's health and its console over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel import clock
from portal.kernel.api.fields import Choice
from portal.kernel.api.views import PortalViewSet
from provisioning.api.serializers import EmptySerializer
from provisioning.logic.consoles import obstacle_text
from provisioning.models import Deployment, HealAttempt, HealthObservation
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.selectors.health import (
    HealthReport,
    heals_of,
    health_report,
    observations_of,
)
from provisioning.services.consoles import console_request, obstacle_of
from provisioning.states import HealAction, HealStatus, Health, Verdict

LISTED = 50


class HealthCheckSerializer(serializers.Serializer[Any]):
    """One thing that was asked of a machine."""

    kind = serializers.CharField()
    verdict = Choice(choices=Verdict.choices)
    text = serializers.CharField(allow_blank=True)
    elapsed_ms = serializers.IntegerField(allow_null=True)
    at = serializers.CharField(allow_blank=True)


class HealthObservationSerializer(serializers.ModelSerializer[HealthObservation]):
    """A span in which every look said the same: from `created_at` to `seen_at`."""

    verdict = Choice(choices=Verdict.choices, read_only=True)

    class Meta:
        model = HealthObservation
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "verdict",
            "reason",
            "count",
            "created_at",
            "seen_at",
        )


class HealAttemptSerializer(serializers.ModelSerializer[HealAttempt]):
    """One healing."""

    action = Choice(choices=HealAction.choices, read_only=True)
    status = Choice(choices=HealStatus.choices, read_only=True)

    class Meta:
        model = HealAttempt
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "action",
            "status",
            "reason",
            "detail",
            "operation_id",
            "created_at",
            "ended_at",
        )


class HealingSerializer(serializers.Serializer[Any]):
    """Whether the machine is healed: `obstacle` is a code, empty when nothing stands against it."""

    is_enabled = serializers.BooleanField()
    auto_heal = serializers.BooleanField()
    obstacle = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    attempts = serializers.IntegerField()
    max_attempts = serializers.IntegerField()
    window_hours = serializers.IntegerField()


class DeploymentHealthSerializer(serializers.Serializer[Any]):
    """How a machine is, why, since when, and what was done about it."""

    deployment_id = serializers.UUIDField()
    health = Choice(choices=Health.choices)
    reason = serializers.CharField(allow_blank=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    next_check_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField()
    failure_threshold = serializers.IntegerField()
    interval_seconds = serializers.IntegerField()
    probe = serializers.DictField(allow_null=True)
    checks = HealthCheckSerializer(many=True)
    healing = HealingSerializer()
    observations = HealthObservationSerializer(many=True)
    heals = HealAttemptSerializer(many=True)


class ConsoleStateSerializer(serializers.Serializer[Any]):
    """Whether the machine's screen can be looked at now, and on which page."""

    is_available = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    page = serializers.CharField()


class ConsoleTicketSerializer(serializers.Serializer[Any]):
    """The address of a websocket that this session may open once until then."""

    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


class DeploymentHealthViewSet(PortalViewSet):
    """How a deployment is."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.HEALTH_VIEW}
    queryset = Deployment.objects.none()
    serializer_class = DeploymentHealthSerializer

    @extend_schema(responses=DeploymentHealthSerializer)
    def health(self, request: Request, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=pk)
        report = health_report(actor=self.actor, deployment=deployment, now=clock.now())
        observations = observations_of(actor=self.actor, deployment=deployment)[:LISTED]
        heals = heals_of(actor=self.actor, deployment=deployment)[:LISTED]
        shown = {**_shown(report), "observations": observations, "heals": heals}
        return Response(DeploymentHealthSerializer(shown).data)


def _shown(report: HealthReport) -> dict[str, Any]:
    state, rules = report.state, report.rules
    return {
        "deployment_id": report.deployment.pk,
        "health": report.deployment.health,
        "reason": state.reason if state else "",
        "checked_at": state.checked_at if state else None,
        "next_check_at": state.due_at if state else None,
        "failures": state.bad_count if state else 0,
        "failure_threshold": rules.threshold,
        "interval_seconds": report.interval_s,
        "probe": report.probe or None,
        "checks": state.checks if state else [],
        "healing": {
            "is_enabled": rules.is_enabled,
            "auto_heal": report.deployment.auto_heal,
            "obstacle": report.obstacle,
            "message": report.obstacle_text,
            "attempts": report.tries,
            "max_attempts": rules.attempts,
            "window_hours": rules.window // timedelta(hours=1),
        },
    }


class DeploymentConsoleViewSet(PortalViewSet):
    """The screen of a deployment's machine."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.OPERATE}
    secret_actions: ClassVar[frozenset[str]] = frozenset({"request_ticket"})
    queryset = Deployment.objects.none()
    serializer_class = ConsoleStateSerializer

    @extend_schema(responses=ConsoleStateSerializer)
    def state(self, request: Request, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=pk)
        end = obstacle_of(deployment)
        shown = {
            "is_available": end is None,
            "reason": obstacle_text(end),
            "page": reverse("provisioning:deployment_console", args=[deployment.pk]),
        }
        return Response(ConsoleStateSerializer(shown).data)

    @extend_schema(request=EmptySerializer, responses={201: ConsoleTicketSerializer})
    def request_ticket(self, request: Request, pk: str) -> Response:
        """A ticket for one look, for this web session, good for seconds."""
        self.parsed(EmptySerializer)
        key = request.session.session_key or ""
        issued = console_request(actor=self.actor, deployment_id=pk, session_key=key)
        scheme = "wss" if request.is_secure() else "ws"
        path = f"/deployments/{issued.session.deployment_id}/console/socket"
        shown = {
            "url": f"{scheme}://{request.get_host()}{path}?ticket={issued.token}",
            "expires_at": issued.session.expires_at,
        }
        answer = Response(ConsoleTicketSerializer(shown).data, status=status.HTTP_201_CREATED)
        answer["Cache-Control"] = "no-store"
        return answer
