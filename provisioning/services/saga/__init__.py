"""What workers do on the hypervisor, step by step; every step may run twice."""

from __future__ import annotations
