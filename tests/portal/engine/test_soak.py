from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from billing.models import Tenant
from portal.kernel.tenancy import tenant_scope
from portal.models import Worker
from portal.services.enqueueing import NewOperation
from portal.services.operations import operation_enqueue_many
from tests.engine import celery_worker, wait_until

BACKLOG = 200_000
OPTIONS = ("-c", "4", "--without-gossip", "--without-mingle", "-I", "tests.kinds")


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_backlog_of_one_tenant_delays_another_by_a_second_at_most(enqueue, row, tenant, actor):
    other = Tenant.objects.using("platform").create(slug="single", name="Single")
    with tenant_scope(tenant.pk):
        operation_enqueue_many(actor=actor, type="test.other", news=[NewOperation()] * BACKLOG)
    with ExitStack() as stack:
        for name in ("one", "two"):
            stack.enter_context(celery_worker(*OPTIONS, "-n", name))
        wait_until(lambda: Worker.objects.filter(status="online").count() == 2)
        waits_s = []
        for _ in range(20):
            began = time.monotonic()
            single = enqueue("test.other", tenant_id=other.pk)
            wait_until(lambda key=single.pk: row(key).started_at is not None)
            waits_s.append(time.monotonic() - began)
    assert max(waits_s) <= 1.0
