"""The web process under uvicorn."""

from __future__ import annotations

import gc
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")
pages = get_asgi_application()

from portal.services.boot import process_begin, runtime_role_assert  # noqa: E402 - apps first
from provisioning.web.console_socket import console_socket  # noqa: E402

runtime_role_assert()
process_begin("web")

# What the start has made stays: the collector need not look through all of it again and again.
gc.collect()
gc.freeze()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Pages and API for requests, the console for websockets."""
    if scope["type"] == "websocket":
        await console_socket(scope, receive, send)
    else:
        await pages(scope, receive, send)
