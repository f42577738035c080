"""Tests: the same four roles on a database of their own; nothing but time constants is smaller."""

from __future__ import annotations

from config.settings.base import *  # noqa: F403
from config.settings.parts.database import DATABASES

DEBUG = False
for _alias, _database in DATABASES.items():
    _database["OPTIONS"] = {}
    _database["TEST"] = {"MIRROR": "owner"} if _alias != "owner" else {"DEPENDENCIES": []}
DATABASES["owner"]["OPTIONS"] = {"options": "-c app.truncate_allowed=on"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CSRF_COOKIE_SECURE = False
SESSION_COOKIE_SECURE = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
