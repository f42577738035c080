"""Imported by a worker in tests that must not find work by itself: only rings start it."""

from __future__ import annotations

from django.conf import settings

settings.ENGINE.update(SELF_POLL_S=300.0, SWEEP_SILENCE_S=300.0)
