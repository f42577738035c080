"""The only reader of the environment: typed, and it fails at boot naming the variable."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

_env = environ.Env()


def text(name: str, default: str | None = None) -> str:
    """The variable as text. Raises ImproperlyConfigured naming it when it is required and absent."""
    value = _env.str(name, default=default)
    if value is None:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
    return str(value)


def flag(name: str, *, default: bool = False) -> bool:
    """The variable as a boolean: 1/true/yes/on."""
    return bool(_env.bool(name, default=default))


def number(name: str, default: int) -> int:
    """The variable as an integer. Raises ImproperlyConfigured when it is none."""
    try:
        return int(_env.int(name, default=default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number") from error


def words(name: str, default: list[str] | None = None) -> list[str]:
    """The variable as a comma-separated list."""
    return [str(word) for word in _env.list(name, default=default or [])]


def secret(name: str, default: str | None = None) -> str:
    """A secret from NAME, or from the file that NAME_FILE names; the file wins nothing, it is read last."""
    value = _env.str(name, default="")
    if value:
        return str(value)
    path = _env.str(f"{name}_FILE", default="")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    if default is None:
        raise ImproperlyConfigured(f"Set the {name} or {name}_FILE environment variable")
    return default


def database(name: str, default: str | None = None) -> dict[str, object]:
    """A PostgreSQL URL as a Django database. Raises ImproperlyConfigured for any other scheme."""
    url = text(name, default)
    if urlsplit(url).scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must be a postgresql:// URL")
    parsed = dict(environ.Env.db_url_config(url))
    parsed["ENGINE"] = "portal.kernel.database"
    return parsed


def directory(name: str, default: Path) -> str:
    """A file:// URL as a folder. Raises ImproperlyConfigured for another scheme."""
    parts = urlsplit(text(name, default.as_uri()))
    if parts.scheme != "file":
        raise ImproperlyConfigured(f"{name} must be a file:// URL")
    return parts.path


def email(name: str, default: str) -> dict[str, object]:
    """A mail URL (smtp+tls://user:password@host:587, filemail:///folder …) as Django's settings."""
    return dict(environ.Env.email_url_config(text(name, default)))


def is_set(name: str) -> bool:
    """Whether the variable is present and not empty."""
    return bool(_env.str(name, default=""))


@dataclass(frozen=True, slots=True)
class ProxmoxEnvironment:
    """A real cluster named by the environment, see README."""

    url: str = ""
    token_id: str = ""
    token_secret: str = field(default="", repr=False)
    ca_file: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class NameServerEnvironment:
    """A PowerDNS named by the environment: its API, its key, and where it answers questions."""

    url: str = ""
    key: str = field(default="", repr=False)
    resolver: str = ""


def name_server() -> NameServerEnvironment:
    """The variables of the name server; all empty when none is configured."""
    return NameServerEnvironment(
        url=text("NAME_SERVER_URL", ""),
        key=secret("NAME_SERVER_KEY", ""),
        resolver=text("NAME_SERVER_RESOLVER", ""),
    )


def proxmox(prefix: str = "PROXMOX") -> ProxmoxEnvironment:
    """The variables that begin with the prefix; all empty when none is configured."""
    return ProxmoxEnvironment(
        url=text(f"{prefix}_URL", ""),
        token_id=text(f"{prefix}_TOKEN_ID", ""),
        token_secret=secret(f"{prefix}_TOKEN_SECRET", ""),
        ca_file=text(f"{prefix}_CA_FILE", ""),
        fingerprint=text(f"{prefix}_FINGERPRINT", ""),
    )
