"""The embedded services of one state directory and the environment that leads to them."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from pathlib import Path

from config.local.postgres import EmbeddedPostgres
from config.local.processes import Supervisor
from config.local.roles import VARIABLES, database_roles_create
from config.local.state import secret, secret_file, write_private
from config.local.valkey import EmbeddedValkey


def state_prepare(folder: Path) -> None:
    """Make the state directory: others may pass through it, what is secret is 0600 inside."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)


def database_start(
    supervisor: Supervisor, folder: Path, *, is_durable: bool, password_file: Path
) -> dict[str, str]:
    """Start the embedded PostgreSQL with our roles in it and return their URLs."""
    server = EmbeddedPostgres.below(folder, is_durable=is_durable)
    server.prepare()
    supervisor.start(server.program())
    return database_roles_create(
        admin_url=server.admin_url,
        password_file=password_file,
        may_create_databases=not is_durable,
    )


def broker_start(supervisor: Supervisor, folder: Path) -> dict[str, str]:
    """Start the embedded Valkey and return the URLs of broker and cache."""
    server = EmbeddedValkey.below(folder)
    supervisor.start(server.program())
    return {"BROKER_URL": server.url(0), "CACHE_URL": server.url(1)}


def services_environment(
    supervisor: Supervisor, folder: Path, *, is_durable: bool = True
) -> dict[str, str]:
    """Start what is not configured from outside, and return the environment of both kinds.

    Whoever brings a database of their own brings all four roles of it: the settings say so.
    """
    found = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    if "DATABASE_URL" not in found:
        roles = secret_file(folder, "database_roles.json")
        found = database_start(supervisor, folder, is_durable=is_durable, password_file=roles)
    cache, broker = os.environ.get("CACHE_URL", ""), os.environ.get("BROKER_URL", "")
    if cache:
        found |= {"CACHE_URL": cache, "BROKER_URL": broker or cache}
    else:
        found |= broker_start(supervisor, folder)
        found |= {"BROKER_URL": broker} if broker else {}
    return found | keys_environment(folder)


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
