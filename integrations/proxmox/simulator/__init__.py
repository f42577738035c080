"""A Proxmox VE API server without Proxmox VE: a program of its own, importing nothing of uHub."""

from __future__ import annotations
