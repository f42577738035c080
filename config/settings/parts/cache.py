"""The cache shortens waits; nothing depends on it."""

from __future__ import annotations

from config import env

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.text("CACHE_URL", env.text("BROKER_URL", "")),
    }
    if env.text("CACHE_URL", env.text("BROKER_URL", "")).startswith("redis")
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
