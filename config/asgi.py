"""The web process under uvicorn."""

from __future__ import annotations

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")
application = get_asgi_application()

from portal.services.boot import process_begin, runtime_role_assert  # noqa: E402 - apps first

runtime_role_assert()
process_begin("web")

# What the start has made stays: the collector need not look through all of it again and again.
gc.collect()
gc.freeze()
