"""The session engine: Django's rows bound to people, and ending them from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import IntegrityError, transaction

from portal.kernel import clock, context
from portal.models import WebSession

ADDRESS_LENGTH: Final = 45
AGENT_LENGTH: Final = 200
TOUCH_AFTER: Final = timedelta(seconds=60)
"""How old `last_used_at` grows before a request writes it anew: no write per request."""


class SessionStore(DatabaseStore):
    """Rows of WebSession: whose session it is, from where and when it was used last.

    A row that is deleted ends its session with the next request, without a question more than the one
    that reads the session anyway.
    """

    @classmethod
    def get_model_class(cls) -> type[WebSession]:
        return WebSession

    def load(self) -> dict[str, Any]:
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        if row.last_used_at < clock.now() - TOUCH_AFTER:
            self.model.objects.filter(pk=row.pk).update(**_whereabouts())
        return dict(self.decode(row.session_data))

    def save(self, must_create: bool = False) -> None:
        """Writes the data; what a row was born with (its id, its beginning) stays.

        Raises:
            UpdateError: somebody ended the session meanwhile.
        """
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        person = data.get(SESSION_KEY)
        values: dict[str, Any] = {
            "session_data": self.encode(data),
            "expire_date": self.get_expiry_date(),
            "user_id": UUID(person) if person else None,
        }
        if must_create:
            self._insert(values | _whereabouts())
        elif not self.model.objects.filter(pk=self.session_key).update(**values):
            raise UpdateError

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def asave(self, must_create: bool = False) -> None:
        """As `save`: the parent would write past it."""
        await sync_to_async(self.save)(must_create)

    def _insert(self, values: dict[str, Any]) -> None:
        key = self._get_or_create_session_key()  # type: ignore[attr-defined]
        row = self.model(session_key=key, **values)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise CreateError from error


def _whereabouts() -> dict[str, Any]:
    here = context.current()
    return {
        "address": here.address[:ADDRESS_LENGTH],
        "agent": here.agent[:AGENT_LENGTH],
        "last_used_at": clock.now(),
    }
