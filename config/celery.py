"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

app = Celery("uhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_wrong_role(**_signal: Any) -> None:
    """A worker starts as the runtime role or not at all."""
    from portal.services.boot import runtime_role_assert  # noqa: PLC0415 - apps must be loaded first

    try:
        runtime_role_assert()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # a signal's other errors are logged and forgotten
