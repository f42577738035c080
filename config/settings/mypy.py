"""Settings that need no environment, for tools that only import the models."""

from __future__ import annotations

import os

for _name in (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_PLATFORM_URL",
    "DATABASE_DISPATCH_URL",
):
    os.environ.setdefault(_name, "postgresql://nobody@127.0.0.1:1/none")
os.environ.setdefault("SECRET_KEY", "for tools only, never served")
os.environ.setdefault("UHUB_MASTER_KEY", "for tools only, never served")
os.environ.setdefault("BROKER_URL", "memory://")

from config.settings.base import *  # noqa: E402, F403
