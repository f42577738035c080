"""Four roles, four aliases, one database. Only `default` obeys row-level security by tenant."""

from __future__ import annotations

from typing import Any

from config import env

# Each thread of a worker may hold one connection per alias, and the heartbeat needs one as well.
POOL_SIZE = env.number("DATABASE_POOL_SIZE", env.number("ENGINE_SLOTS", 16) + 8)

# What asks for it is prepared at once. A pooler that can't carry prepared statements needs them off.
PREPARE_AFTER = 1 if env.flag("DATABASE_PREPARED_STATEMENTS", default=True) else None


def _alias(variable: str, *, pool: int, atomic: bool = False) -> dict[str, Any]:
    database: dict[str, Any] = env.database(variable)
    database["CONN_MAX_AGE"] = 0
    database["ATOMIC_REQUESTS"] = atomic
    database["DISABLE_SERVER_SIDE_CURSORS"] = True
    options: dict[str, Any] = database.setdefault("OPTIONS", {})
    options["prepare_threshold"] = PREPARE_AFTER
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10}
    return database


DATABASES = {
    "default": _alias("DATABASE_URL", pool=POOL_SIZE, atomic=True),
    "platform": _alias("DATABASE_PLATFORM_URL", pool=POOL_SIZE),
    "dispatch": _alias("DATABASE_DISPATCH_URL", pool=POOL_SIZE),
}
if env.is_set("DATABASE_OWNER_URL"):
    DATABASES["owner"] = _alias("DATABASE_OWNER_URL", pool=0)

DATABASE_ROUTERS = ["portal.kernel.tenancy.AliasRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
