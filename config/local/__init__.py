"""uHub on a machine that has nothing: embedded services and our own process supervisor."""

from __future__ import annotations
