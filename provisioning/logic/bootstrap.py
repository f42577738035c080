"""What is installed after a machine's first start, pure: a document read, judged, and made into a script.

A document is YAML in the words of cloud-init: `packages`, `write_files`, `runcmd`; an entry may carry
`when: {option: value}`. `secrets` names passwords that are made per machine, `timeout_minutes` says how long
it may take. Options and secrets reach the commands as shell variables (`$UHUB_DOMAIN`,
`$UHUB_SECRET_DB_PASSWORD`); nothing typed is ever put into a command's text.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from django.utils.translation import gettext as _

DOCUMENT_MOST: Final = 30_000
SCRIPT_MOST: Final = 60_000
LOG_TAIL: Final = 8_000
TIMEOUT_MOST: Final = 120
_KEYS: Final = ("secrets", "timeout_minutes", "packages", "write_files", "runcmd")
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.:=~-]{0,99}", re.IGNORECASE)
_PATH: Final = re.compile(r"/[A-Za-z0-9_./+@-]{1,250}")
_MODE: Final = re.compile(r"0?[0-7]{3,4}")
_OWNER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?")
_SECRET: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SNIPPET: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*:snippets/[A-Za-z0-9_.-]+\.ya?ml")


class DocumentInvalid(ValueError):
    """The document breaks a rule; the text says which, and where."""


@dataclass(frozen=True, slots=True)
class FileWritten:
    """A file that is put into the guest."""

    path: str
    content: str
    permissions: str
    owner: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One package, file or command, and the options under which it is wanted."""

    what: str | FileWritten
    when: Mapping[str, Any]

    def is_wanted(self, parameters: Mapping[str, Any]) -> bool:
        """Whether every condition holds."""
        return all(
            parameters.get(key) in (value if isinstance(value, list) else [value])
            for key, value in self.when.items()
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read."""

    packages: tuple[Entry, ...]
    files: tuple[Entry, ...]
    commands: tuple[Entry, ...]
    secrets: tuple[str, ...]
    timeout_minutes: int

    def packages_for(self, parameters: Mapping[str, Any]) -> list[str]:
        """Names of what would be installed."""
        wanted = [str(one.what) for one in self.packages if one.is_wanted(parameters)]
        return list(dict.fromkeys(wanted))


def snippet_is_valid(name: str) -> bool:
    """Whether it names a snippet on a storage: `local:snippets/web.yml`."""
    return bool(_SNIPPET.fullmatch(name))


def document_parse(text: str, options: Sequence[Mapping[str, Any]] = ()) -> Document:
    """Reads a document of a template with these options. Raises DocumentInvalid."""
    if len(text.encode()) > DOCUMENT_MOST:
        raise DocumentInvalid(
            _("The document has more than %(most)s bytes.") % {"most": DOCUMENT_MOST}
        )
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" ({_('line')} {mark.line + 1})" if mark else ""
        raise DocumentInvalid(_("The document is no YAML.") + line) from error
    if not isinstance(data, dict):
        raise DocumentInvalid(_("The document must be a list of names with values."))
    for key in data:
        if key not in _KEYS:
            told = {"key": str(key)[:40], "known": ", ".join(_KEYS)}
            raise DocumentInvalid(_("%(key)s is unknown. Known: %(known)s.") % told)
    known = {str(option["key"]) for option in options}
    return Document(
        packages=tuple(_entries(data, "packages", known)),
        files=tuple(_entries(data, "write_files", known)),
        commands=tuple(_entries(data, "runcmd", known)),
        secrets=_secrets(data.get("secrets")),
        timeout_minutes=_timeout(data.get("timeout_minutes", 30)),
    )


def script_render(
    document: Document,
    *,
    run: int,
    facts: Mapping[str, str],
    parameters: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> str:
    """The script that does it, for the input of `sh`. A run that has ended only tells its end again.

    Raises DocumentInvalid: it is too long for one call of the agent.
    """
    variables = {f"UHUB_{_name(key)}": value for key, value in facts.items()}
    variables |= {f"UHUB_{_name(key)}": _text(value) for key, value in parameters.items()}
    variables |= {f"UHUB_SECRET_{_name(key)}": value for key, value in secrets.items()}
    lines = [
        "#!/bin/sh",
        "umask 077",
        "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8",
        *(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())),
        _FRAME.replace("@RUN@", str(run)).replace("@TAIL@", str(LOG_TAIL)),
        "main() {",
        "set -eu",
        "umask 022",
        *_body(document, parameters),
        "}",
        "main </dev/null",
    ]
    script = "\n".join(lines) + "\n"
    if len(script.encode()) > SCRIPT_MOST:
        raise DocumentInvalid(
            _("What follows from the document has more than %(most)s bytes.")
            % {"most": SCRIPT_MOST}
        )
    return script


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """The end of a log without the passwords."""
    for value in secrets.values():
        text = text.replace(value, "***")
    return text[-LOG_TAIL:]


_FRAME: Final = """\
state=/var/lib/uhub
mkdir -p "$state"
exec 9>"$state/lock"
flock 9
log="$state/run-@RUN@.log"
if [ -e "$state/run-@RUN@.code" ]; then
tail -c @TAIL@ "$log"
exit "$(cat "$state/run-@RUN@.code")"
fi
exec 3>&1 >>"$log" 2>&1
finish() {
code=$?
echo "$code" >"$state/run-@RUN@.code"
tail -c @TAIL@ "$log" >&3
exit "$code"
}
trap finish EXIT"""


def _body(document: Document, parameters: Mapping[str, Any]) -> Iterator[str]:
    packages = document.packages_for(parameters)
    if packages:
        words = " ".join(shlex.quote(name) for name in packages)
        yield "apt-get -q update"
        yield f"apt-get -q -y --no-install-recommends install {words}"
    for entry in document.files:
        if isinstance(entry.what, FileWritten) and entry.is_wanted(parameters):
            yield from _written(entry.what)
    for entry in document.commands:
        if entry.is_wanted(parameters):
            yield str(entry.what)


def _written(file: FileWritten) -> Iterator[str]:
    path = shlex.quote(file.path)
    content = base64.b64encode(file.content.encode()).decode()
    yield f'mkdir -p "$(dirname {path})"'
    yield f"printf %s {content} | base64 -d >{path}"
    yield f"chown {shlex.quote(file.owner)} {path}"
    yield f"chmod {file.permissions} {path}"


def _entries(data: Mapping[str, Any], key: str, options: set[str]) -> Iterator[Entry]:
    rows = data.get(key) or []
    if not isinstance(rows, list):
        raise DocumentInvalid(_("%(key)s must be a list.") % {"key": key})
    for number, row in enumerate(rows, start=1):
        place = f"{key}[{number}]"
        when = row.get("when", {}) if isinstance(row, dict) else {}
        if not isinstance(when, dict) or not set(map(str, when)) <= options:
            told = {"place": place, "known": ", ".join(sorted(options)) or "—"}
            message = _("%(place)s: `when` may ask for these options only: %(known)s.")
            raise DocumentInvalid(message % told)
        for what in _parts(key, row, place):
            yield Entry(what, when)


def _parts(key: str, row: Any, place: str) -> Iterator[str | FileWritten]:
    if key == "write_files":
        yield _file(row, place)
    elif key == "packages":
        names = row.get("install", []) if isinstance(row, dict) else [row]
        if not isinstance(names, list) or not names:
            raise DocumentInvalid(_("%(place)s names no package.") % {"place": place})
        for name in names:
            if not isinstance(name, str) or not _PACKAGE.fullmatch(name):
                raise DocumentInvalid(_("%(place)s is no name of a package.") % {"place": place})
            yield name
    else:
        command = row.get("run") if isinstance(row, dict) else row
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise DocumentInvalid(_("%(place)s is no command.") % {"place": place})
        yield command.strip("\n")


def _file(row: Any, place: str) -> FileWritten:
    if not isinstance(row, dict):
        raise DocumentInvalid(_("%(place)s must have path and content.") % {"place": place})
    found = FileWritten(
        path=str(row.get("path", "")),
        content=str(row.get("content", "")),
        permissions=str(row.get("permissions", "0644")),
        owner=str(row.get("owner", "root:root")),
    )
    is_inside = _PATH.fullmatch(found.path) and ".." not in found.path.split("/")
    if not is_inside:
        raise DocumentInvalid(_("%(place)s: the path is not allowed.") % {"place": place})
    if not _MODE.fullmatch(found.permissions) or not _OWNER.fullmatch(found.owner):
        raise DocumentInvalid(_("%(place)s: permissions or owner are wrong.") % {"place": place})
    return found


def _secrets(value: Any) -> tuple[str, ...]:
    names = value or []
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _SECRET.fullmatch(name) for name in names
    ):
        raise DocumentInvalid(_("secrets must be names in lower case."))
    return tuple(dict.fromkeys(names))


def _timeout(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= TIMEOUT_MOST:
        return value
    message = _("timeout_minutes must be a whole number from 1 to %(most)s.")
    raise DocumentInvalid(message % {"most": TIMEOUT_MOST})


def _name(key: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", key.upper())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
