"""Tickets: what a person gets for a password, good for two hours, renewed by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

LIFE_S = 7200.0
GRACE_S = 300.0
_TICKET = re.compile(r"PVE:(?P<user>[^\s:]+):(?P<time>[0-9A-F]{8})::(?P<signature>\S+)")
_CSRF = re.compile(r"(?P<time>[0-9A-F]{8}):(?P<signature>\S+)")


def _signature(secret: str, text: str) -> str:
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def issue(secret: str, user: str, now: float) -> str:
    head = f"PVE:{user}:{int(now):08X}"
    return f"{head}::{_signature(secret, head)}"


def issue_csrf(secret: str, user: str, now: float) -> str:
    stamp = f"{int(now):08X}"
    return f"{stamp}:{_signature(secret, f'{stamp}:{user}')}"


def _is_fresh(stamp: str, now: float, scale: float) -> bool:
    """Tell whether it is younger than two hours, in simulated time."""
    age_s = (now - int(stamp, 16)) * scale
    return -GRACE_S * scale < age_s < LIFE_S


def owner(secret: str, ticket: str, now: float, scale: float) -> str:
    """Answer whose ticket it is, or nothing for a forged or an old one."""
    found = _TICKET.fullmatch(ticket)
    if found is None or not _is_fresh(found["time"], now, scale):
        return ""
    expected = _signature(secret, ticket.rpartition("::")[0])
    return found["user"] if hmac.compare_digest(expected, found["signature"]) else ""


def is_csrf(secret: str, user: str, token: str, now: float, scale: float) -> bool:
    found = _CSRF.fullmatch(token)
    if found is None or not _is_fresh(found["time"], now, scale):
        return False
    expected = _signature(secret, f"{found['time']}:{user}")
    return hmac.compare_digest(expected, found["signature"])
