"""The PostgreSQL backend that carries the tenant into every outermost transaction."""

from __future__ import annotations
