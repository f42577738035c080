"""The endpoints, a module per subject; each module here is found and loaded by itself."""

from __future__ import annotations
