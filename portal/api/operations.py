"""Operations and workers: parse, one selector or service, render."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.filters import OperationFilter, WorkerFilter
from portal.api.serializers import (
    OperationDetailSerializer,
    OperationSerializer,
    QueuePage,
    ReplayAnswer,
    ReplayRequest,
    WorkerSerializer,
)
from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import NotFound
from portal.models import Operation, Worker
from portal.permissions import Permission
from portal.selectors.operations import operation_get, operation_list
from portal.selectors.queues import queue_list
from portal.selectors.workers import worker_list
from portal.services.operations import (
    operation_cancel,
    operation_retry,
    operation_retry_refusal,
    operation_target_lock,
)
from portal.services.replays import operations_replay
from portal.services.worker_drains import worker_drain, worker_resume
from portal.states import RETRYABLE_STATUSES


class NoBody(serializers.Serializer[Any]):
    """Nothing is expected in the body."""


class OperationViewSet(PortalViewSet):
    """Work in the background of the active tenant."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.OPERATIONS_VIEW,
        "replay": Permission.OPERATIONS_MANAGE,
    }
    serializer_class = OperationSerializer
    queryset = Operation.objects.none()
    filterset_class = OperationFilter
    ordering_fields = ("created_at", "updated_at", "scheduled_at", "priority", "status", "type")

    def locked_version(self) -> str | None:
        """Behind the lock of what it is about: the order in which both are ended."""
        try:
            operation_target_lock(self.kwargs["pk"])
        except NotFound:
            return None
        return super().locked_version()

    def list(self, _request: Request) -> Response:
        """Operations, newest first."""
        response: Response = self.page(operation_list(actor=self.actor), OperationSerializer)
        return response

    @extend_schema(responses=OperationDetailSerializer)
    def retrieve(self, _request: Request, pk: str) -> Response:
        """One operation with its steps, its tries and the tail of its log."""
        operation = operation_get(actor=self.actor, operation_id=pk)
        refusal = ""
        if operation.status in RETRYABLE_STATUSES:
            refusal = operation_retry_refusal(actor=self.actor, operation=operation)
        context = {"retry_refusal": refusal}
        return Response(OperationDetailSerializer(operation, context=context).data)

    @extend_schema(request=NoBody, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, _request: Request, pk: str) -> Response:
        """Starts what failed once more, as a new operation with `retry_of`."""
        self.parsed(NoBody)
        operation = operation_retry(actor=self.actor, operation_id=pk)
        return Response(OperationSerializer(operation).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=ReplayRequest, responses=ReplayAnswer)
    @action(detail=False, methods=["post"])
    def replay(self, _request: Request) -> Response:
        """Starts once more what failed: those named, or those a filter finds; each answered for itself."""
        body = self.parsed(ReplayRequest)
        found = operations_replay(
            actor=self.actor, ids=body.get("ids", ()), filters=body.get("filter")
        )
        return Response(ReplayAnswer({"results": found}).data)

    @extend_schema(request=NoBody, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, _request: Request, pk: str) -> Response:
        """Cancels what has not begun; asks what is under way to stop after its step."""
        self.parsed(NoBody)
        operation = operation_cancel(actor=self.actor, operation_id=pk)
        return Response(OperationSerializer(operation).data, status=status.HTTP_202_ACCEPTED)


class QueueViewSet(PortalViewSet):
    """Queues of the whole platform."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.WORKERS_VIEW}
    pagination_class = None
    filter_backends = ()
    queryset = Worker.objects.none()

    @extend_schema(responses=QueuePage)
    def list(self, _request: Request) -> Response:
        """What waits in each queue, since when, and what ended lately."""
        found = queue_list(actor=self.actor)
        return Response(QueuePage({"results": found, "next": None, "previous": None}).data)


class WorkerViewSet(PortalViewSet):
    """Worker processes."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.WORKERS_VIEW,
        "drain": Permission.WORKERS_MANAGE,
        "resume": Permission.WORKERS_MANAGE,
    }
    serializer_class = WorkerSerializer
    queryset = Worker.objects.none()
    filterset_class = WorkerFilter
    ordering_fields = ("created_at", "name", "last_heartbeat_at")

    def list(self, _request: Request) -> Response:
        """Workers, newest first."""
        response: Response = self.page(worker_list(actor=self.actor), WorkerSerializer)
        return response

    @extend_schema(request=NoBody, responses={202: WorkerSerializer})
    @action(detail=True, methods=["post"])
    def drain(self, _request: Request, pk: str) -> Response:
        """Asks a worker to end what it runs, take nothing new and go."""
        self.parsed(NoBody)
        worker = worker_drain(actor=self.actor, worker_id=pk)
        return Response(WorkerSerializer(worker).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=NoBody, responses={202: WorkerSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, _request: Request, pk: str) -> Response:
        """Takes a worker that still ends its work back into it."""
        self.parsed(NoBody)
        worker = worker_resume(actor=self.actor, worker_id=pk)
        return Response(WorkerSerializer(worker).data, status=status.HTTP_202_ACCEPTED)
