"""Four roles, four aliases, one database. Only `default` obeys row-level security by tenant."""

from __future__ import annotations

from config import env

# Each thread of a worker may hold one connection per alias, and the heartbeat needs one as well.
POOL_SIZE = env.number("DATABASE_POOL_SIZE", env.number("ENGINE_SLOTS", 16) + 8)


def _alias(variable: str, *, pool: int, atomic: bool = False) -> dict[str, object]:
    database = env.database(variable)
    database["CONN_MAX_AGE"] = 0
    database["ATOMIC_REQUESTS"] = atomic
    database["DISABLE_SERVER_SIDE_CURSORS"] = True
    if pool:
        database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": pool, "timeout": 10}}
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
