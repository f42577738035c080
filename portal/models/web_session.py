"""Sessions of browsers, each bound to its person."""

from __future__ import annotations

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from portal.kernel import clock
from portal.kernel.models import uuid7


class WebSession(AbstractBaseSession):
    """A session as Django has it, plus whose it is and where it was last used.

    `public_id` is what lists show: the session's own key opens it and never leaves the cookie.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        "portal.User", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(default=clock.now)
