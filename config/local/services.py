"""The embedded services of one state directory and the environment that leads to them."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from pathlib import Path

from config.local.cleaner import VARIABLE as CLEANER
from config.local.cleaner import cleaner_create
from config.local.errors import LocalError
from config.local.postgres import EmbeddedPostgres
from config.local.processes import Supervisor
from config.local.state import secret, secret_file, write_private
from config.local.valkey import EmbeddedValkey
from portal.kernel.database.roles import VARIABLES, DatabaseRolesError, database_roles_create


def state_prepare(folder: Path) -> None:
    """Make the state directory: others may pass through it, what is secret is 0600 inside."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)


def database_start(
    supervisor: Supervisor, folder: Path, *, is_durable: bool, password_file: Path
) -> dict[str, str]:
    """Start the embedded PostgreSQL with our roles in it and return their URLs.

    Raises LocalError.
    """
    server = EmbeddedPostgres.below(folder, is_durable=is_durable)
    server.prepare()
    supervisor.start(server.program())
    try:
        found = database_roles_create(
            admin_url=server.admin_url,
            password_file=password_file,
            may_create_databases=not is_durable,
        )
    except DatabaseRolesError as error:
        raise LocalError(str(error)) from error
    return found if is_durable else found | {CLEANER: cleaner_create(server.admin_url)}


def broker_start(supervisor: Supervisor, folder: Path) -> dict[str, str]:
    """Start the embedded Valkey and return the URLs of broker and cache."""
    server = EmbeddedValkey.below(folder)
    supervisor.start(server.program())
    return {"BROKER_URL": server.url(0), "CACHE_URL": server.url(1)}


def services_environment(
    supervisor: Supervisor, folder: Path, *, is_durable: bool = True
) -> dict[str, str]:
    """Start what is not configured from outside, and return the environment of both kinds.

    Raises LocalError when some of the four database URLs are given and others are not.
    """
    found = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    missing = [name for name in VARIABLES if name not in found]
    if found and missing:
        raise LocalError(
            f"{', '.join(missing)} must be set as well: `manage.py db_roles --url ...` "
            "makes the roles and prints all four."
        )
    if not found:
        roles = secret_file(folder, "database_roles.json")
        found = database_start(supervisor, folder, is_durable=is_durable, password_file=roles)
    return found | broker_environment(supervisor, folder) | keys_environment(folder)


def broker_environment(supervisor: Supervisor, folder: Path) -> dict[str, str]:
    """Return broker and cache: a configured one serves as both unless it is no Redis."""
    cache, broker = os.environ.get("CACHE_URL", ""), os.environ.get("BROKER_URL", "")
    cache = cache or (broker if broker.startswith("redis") else "")
    if cache:
        return {"CACHE_URL": cache, "BROKER_URL": broker or cache}
    found = broker_start(supervisor, folder)
    return found | ({"BROKER_URL": broker} if broker else {})


def keys_environment(folder: Path) -> dict[str, str]:
    """Return the session key and the file of the key that seals secrets, made at first use."""
    master = secret_file(folder, "master_key")
    if not master.exists():
        write_private(master, b64encode(secrets.token_bytes(32)).decode() + "\n")
    return {
        "STATE_DIR": str(folder),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret(folder, "secret_key", size_bytes=48),
        "UHUB_MASTER_KEY_FILE": os.environ.get("UHUB_MASTER_KEY_FILE") or str(master),
    }
