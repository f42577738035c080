"""The demo and development: one machine, plain HTTP on the loopback."""

from __future__ import annotations

from config.settings.base import *  # noqa: F403

DEBUG = False
CSRF_COOKIE_SECURE = False
SESSION_COOKIE_SECURE = False
