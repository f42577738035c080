"""Wiring: which provider serves whom."""

from __future__ import annotations
