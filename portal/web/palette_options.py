"""What the palette and the search page show: options in groups, the plan of a line, and what was not understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from portal.kernel.authz import SIGNED_IN
from portal.kernel.commands import (
    CANDIDATES,
    Asking,
    Availability,
    Command,
    Plan,
    Row,
    SearchProvider,
    Words,
    commands_for,
)
from portal.kernel.matching import composed, match, pieces
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import NavItem, Text, nav_items
from portal.selectors.memberships import people_who_may

SHOWN = 8
_HELPERS = 3


@dataclass(frozen=True, slots=True)
class Option:
    """One line of the list: a link (`url`), or what is typed for the person (`line`)."""

    title: str
    icon: str
    sub: str = ""
    url: str = ""
    line: str = ""
    reason: str = ""
    helpers: str = ""
    keys: Words = ()
    status: tuple[str, str] | None = None
    marked: Sequence[tuple[str, bool]] = ()
    score: float = 0.0
    is_plan: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "title": self.title,
            "sub": self.sub,
            "icon": self.icon,
            "url": self.url or None,
            "line": self.line or None,
            "reason": self.reason or None,
            "helpers": self.helpers or None,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Options under one heading; `kind` names the provider when there may be more of it.

    Those behind the first `visible` are there to be narrowed at once when somebody types.
    """

    key: str
    label: Text
    options: Sequence[Option]
    kind: str = ""
    has_more: bool = False
    visible: int = 100

    @property
    def score(self) -> float:
        """How well its best option fits."""
        return max((one.score for one in self.options), default=0.0)


@dataclass(slots=True)
class Reply:
    """All that is shown."""

    query: str
    groups: list[Group] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plan: Plan | None = None
    helpers: str = ""

    @property
    def count(self) -> int:
        """How many options there are."""
        return sum(len(group.options) for group in self.groups)

    def add(self, key: str, label: Text, options: Iterable[Option], **more: Any) -> None:
        """A group, unless it is empty."""
        if shown := list(options):
            self.groups.append(Group(key, label, shown, **more))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "query": self.query,
            "notes": self.notes,
            "groups": [
                {
                    "key": group.key,
                    "label": str(group.label),
                    "options": [option.as_dict() for option in group.options],
                }
                for group in self.groups
            ],
            "plan": _plan_dict(self.plan, self.helpers) if self.plan else None,
        }


def _plan_dict(plan: Plan, helpers: str) -> dict[str, Any]:
    facts = [{"label": one.label, "before": one.before, "after": one.after} for one in plan.facts]
    return {
        "title": plan.title,
        "text": plan.text,
        "facts": facts,
        "action": plan.action or None,
        "fields": dict(plan.fields),
        "is_dangerous": plan.is_dangerous,
        "word": plan.word or None,
        "reason": plan.reason or None,
        "helpers": helpers or None,
    }


def helpers_of(asking: Asking, permission: str) -> str:
    """Who can help, by name; empty without a permission or an organisation."""
    tenant_id = current_tenant_id()
    if not permission or tenant_id is None:
        return ""
    people = asking.once(
        ("helpers", permission),
        lambda: people_who_may(tenant_id=tenant_id, permission=permission, limit=_HELPERS + 1),
    )
    names = [str(one) for one in people if one.pk != asking.actor.user_id][:_HELPERS]
    return _("Who can help: %(people)s") % {"people": ", ".join(names)} if names else ""


def row_option(row: Row, provider: SearchProvider | None, words: Words) -> Option | None:
    """An object found, with its matching letters; None when the words do not fit after all."""
    title = composed(row.title)
    found = match(words, title, (*row.keywords, row.sub)) if words else None
    if words and found is None:
        return None
    return Option(
        title=title,
        sub=row.sub,
        icon=row.icon or (provider.icon if provider else ""),
        url=row.url,
        status=row.status,
        marked=pieces(title, found.spans if found else ()),
        score=(found.score if found else 0) + row.score,
    )


def found_options(
    asking: Asking, provider: SearchProvider, words: Words, limit: int
) -> list[Option]:
    """The best of what a provider finds."""
    rows = asking.rows(provider, words, limit)
    options = [one for row in rows if (one := row_option(row, provider, words))]
    return sorted(options, key=lambda one: -one.score) if words else options


def command_option(command: Command, words: Words) -> Option | None:
    """A command as the list shows it: a link, or the beginning of its line."""
    title = str(command.label)
    found = match(words, title, (*command.keywords, *command.phrases)) if words else None
    if words and found is None:
        return None
    return Option(
        title=title,
        sub=str(command.sub),
        icon=command.icon,
        url=command.url,
        line="" if command.url else typed(command),
        keys=command.keys,
        marked=pieces(title, found.spans if found else ()),
        score=found.score if found else 0,
    )


def command_options(asking: Asking, words: Words, limit: int = SHOWN) -> list[Option]:
    """The commands that fit, the best first; without words in their own order."""
    options = [one for each in commands_for(asking) if (one := command_option(each, words))]
    return sorted(options, key=lambda one: -one.score)[:limit] if words else options[:limit]


def subject_option(asking: Asking, command: Command, row: Row, known: Availability) -> Option:
    """A command with its object: what would be typed, or why not now."""
    title = str(command.pattern) % {"name": composed(row.title)}
    return Option(
        title=title,
        sub="" if known.reason else row.sub,
        icon=command.icon,
        line="" if known.reason else typed(command, row),
        reason=known.reason,
        helpers=helpers_of(asking, known.permission) if known.reason else "",
        marked=pieces(title, ()),
    )


def subject_options(asking: Asking, kind: str, row: Row, limit: int = CANDIDATES) -> list[Option]:
    """What can be done to one object: what can be done now first, what cannot with its reason."""
    options = []
    for command in commands_for(asking):
        subject = command.subject
        if subject is None or subject.of != kind or command.offer is None:
            continue
        known = command.offer(asking, [row.id]).get(row.id)
        if known is not None and known.is_listed:
            options.append(replace(subject_option(asking, command, row, known), sub=""))
    return sorted(options, key=lambda one: bool(one.reason))[:limit]


def nav_options(asking: Asking, words: Words) -> list[Option]:
    """The pages the navigation offers."""
    rows = [
        Row(str(item.label), item.url, icon=item.icon, keywords=(item.key,))
        for item in nav_items()
        if _is_offered(asking, item)
    ]
    options = [one for row in rows if (one := row_option(row, None, words))]
    return sorted(options, key=lambda one: -one.score) if words else options


def _is_offered(asking: Asking, item: NavItem) -> bool:
    if item.is_platform_only and not asking.actor.is_platform_admin:
        return False
    return item.permission == SIGNED_IN or asking.may(item.permission)


def typed(command: Command, row: Row | None = None) -> str:
    """The line as it is typed for somebody: ready to go on, or to be carried out."""
    line = str(command.phrase or command.phrases[0])
    if row is None:
        return f"{line} " if command.parameters else line
    name = row.keywords[0] if row.keywords and " " in row.title else row.title
    line += f' "{name}"' if " " in name else f" {name}"
    return f"{line} {command.joint} " if command.joint else line


def shortcut_options() -> list[Option]:
    """The keys of the palette itself."""
    known = (
        (_("Open or close the palette, on every page"), ("Ctrl", "K")),
        (_("Browse what is shown"), ("↑", "↓")),
        (_("First, last"), ("Home", "End")),
        (_("Open it, or carry out the plan that is shown"), ("↵",)),
        (_("Open it in a new tab"), ("Ctrl", "↵")),
        (_("Complete the line"), ("Tab",)),
        (_("Actions only"), (">",)),
        (_("People only"), ("@",)),
        (_("Operations only"), ("#",)),
        (_("Close"), ("Esc",)),
    )
    return [
        Option(title=title, icon="keyboard", keys=keys, marked=pieces(title, ()))
        for title, keys in known
    ]
