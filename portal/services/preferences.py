"""Language and time zone of a person: the own choice, else the platform's."""

from __future__ import annotations

from django.conf import settings

from portal.models import Language, User
from portal.services.settings import setting_get


def person_language(user: User) -> str:
    """The language of what no browser asks for, say a mail."""
    return settings.LANGUAGE_CODE if user.language == Language.BROWSER else user.language


def person_zone(user: User) -> str:
    """The time zone in which the person reads times."""
    return user.timezone or str(setting_get("platform.timezone"))
