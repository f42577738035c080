"""System events: the table, the writer, what it keeps out and what it never loses."""

from __future__ import annotations

import pytest
from django.db import connections

from audit.models import SystemEvent
from portal.kernel.tenancy import DEFAULT, PLATFORM


@pytest.mark.django_db(databases="__all__")
def test_the_runtime_role_holds_nothing_on_system_events() -> None:
    with connections[DEFAULT].cursor() as cursor:
        cursor.execute(
            "SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p "
            "WHERE has_table_privilege(current_user, 'audit_systemevent', p)"
        )
        held = cursor.fetchall()
    assert held == []
    assert SystemEvent.objects.using(PLATFORM).count() == 0
