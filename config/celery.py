"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

app = Celery("uhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_wrong_role(**_signal: Any) -> None:
    """A worker starts as the runtime role or not at all."""
    from portal.services.boot import process_begin, runtime_role_assert  # noqa: PLC0415 - apps first

    try:
        runtime_role_assert()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # a signal's other errors are logged and forgotten
    process_begin("worker")


@beat_init.connect
def scheduler_begin(**_signal: Any) -> None:
    """The scheduler reports as workers and web processes do."""
    from portal.services.boot import process_begin  # noqa: PLC0415 - apps must be loaded first

    process_begin("scheduler")


@setup_logging.connect
def keep_our_logging(loglevel: int | str | None = None, **_signal: Any) -> None:
    """Celery's lines look like all others; `--loglevel` still says which ones there are."""
    if loglevel is not None:
        logging.getLogger("celery").setLevel(loglevel)
