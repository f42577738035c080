"""A line that begins like a command: its objects, what is missing, and its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from portal.kernel.commands import (
    Asking,
    Availability,
    Command,
    Plan,
    Row,
    SearchProvider,
    search_provider,
)
from portal.kernel.matching import composed, fold, pieces, words_of
from portal.logic.command_line import Parsed
from portal.web.palette_options import (
    SHOWN,
    Option,
    Reply,
    helpers_of,
    row_option,
    subject_option,
    typed,
)


def line_read(asking: Asking, reply: Reply, parsed: Parsed, here: Row | None) -> None:
    """Adds to the reply what a line stands for; `here` is the object of the page it is typed on."""
    command, subject = parsed.command, parsed.command.subject
    row: Row | None = None
    if subject is not None:
        provider = search_provider(asking, subject.of)
        if provider is None:
            return
        name = str(parsed.values.get(subject.name, ""))
        row = _named(asking, provider, name) if name else None
        if row is None:
            _offer_subjects(asking, reply, command, provider, name, here)
            return
        known = _known(asking, command, row)
        if known.reason:
            reply.add("line", _("Actions"), [subject_option(asking, command, row, known)])
            return
    reply.notes += _misunderstood(parsed)
    if parsed.missing:
        reply.add("line", _("Actions"), _completions(reply.query, parsed, row))
    elif parsed.is_clean:
        _plan(asking, reply, parsed, row)


def _named(asking: Asking, provider: SearchProvider, name: str) -> Row | None:
    """The one object that is called exactly so."""
    wanted = fold(name)
    rows = asking.rows(provider, words_of(name))
    exact = [
        row
        for row in rows
        if wanted in (fold(row.title), row.id, *(fold(one) for one in row.keywords[:1]))
    ]
    return exact[0] if len(exact) == 1 else None


def _known(asking: Asking, command: Command, row: Row) -> Availability:
    if command.offer is None:
        return Availability()
    known = command.offer(asking, [row.id]).get(row.id)
    return known or Availability(_("Your role does not allow this here."))


def _offer_subjects(
    asking: Asking,
    reply: Reply,
    command: Command,
    provider: SearchProvider,
    name: str,
    here: Row | None,
) -> None:
    """The objects it could be done to, the page's own first."""
    words = words_of(name)
    rows = list(asking.rows(provider, words))
    if words:
        fitting = [(one, row) for row in rows if (one := row_option(row, provider, words))]
        rows = [row for _one, row in sorted(fitting, key=lambda pair: -pair[0].score)]
    elif here is not None and provider.place and asking.path.startswith(provider.place):
        rows = [here, *(row for row in rows if row.id != here.id)]
    ids = [row.id for row in rows]
    offered = command.offer(asking, ids) if command.offer else {}
    options = []
    for row in rows:
        known = offered.get(row.id) if command.offer else Availability()
        if known is not None and known.is_listed:
            options.append(subject_option(asking, command, row, known))
    options.sort(key=lambda one: bool(one.reason))
    if not options:
        told = _("Nothing called “%(name)s” for this.") if name else _("There is nothing for this.")
        reply.notes.append(told % {"name": composed(name)[:60]})
    reply.add("line", _("Actions"), options[:SHOWN])


def _misunderstood(parsed: Parsed) -> list[str]:
    """What fits nothing, in words."""
    labels = {one.name: str(one.hint) for one in parsed.command.parameters}
    notes = []
    if parsed.unknown:
        told = ", ".join(f"“{composed(part)[:40]}”" for part in parsed.unknown[:3])
        notes.append(_("Not understood: %(parts)s. Nothing is guessed.") % {"parts": told})
    if parsed.twice:
        notes.append(_("Said twice: %(what)s.") % {"what": labels[parsed.twice[0]]})
    if parsed.uneven:
        told = _("Only whole amounts within reason: %(what)s.")
        notes.append(told % {"what": labels[parsed.uneven[0]]})
    return notes


def _completions(line: str, parsed: Parsed, row: Row | None) -> list[Option]:
    """How the line could go on: an example each of what is missing first."""
    command, missing = parsed.command, parsed.missing[0]
    begun = _begun(line, command, row) if parsed.is_clean else _begun("", command, row)
    title = str(command.pattern) % {"name": composed(row.title)} if row else str(command.label)
    return [
        Option(
            title=f"{title} {example}",
            sub=str(missing.hint),
            icon=command.icon,
            line=f"{begun} {example}",
            marked=pieces(f"{title} {example}", ()),
        )
        for example in map(str, missing.examples)
    ]


def _begun(line: str, command: Command, row: Row | None) -> str:
    """The line without the joint at its end: the example brings one along."""
    begun = line.strip() or typed(command, row).strip()
    joints = {one for parameter in command.parameters for one in parameter.after}
    head, _space, last = begun.rpartition(" ")
    return head if head and fold(last) in joints else begun


def _plan(asking: Asking, reply: Reply, parsed: Parsed, row: Row | None) -> None:
    command, values = parsed.command, dict[str, Any](parsed.values)
    if command.subject is not None:
        values[command.subject.name] = row
    assert command.plan is not None
    plan: Plan = command.plan(asking, values)
    if plan.reason:
        plan = replace(plan, action="")
    reply.plan = plan
    reply.helpers = helpers_of(asking, plan.permission) if plan.reason else ""
    option = Option(
        title=plan.title,
        icon=command.icon,
        reason=plan.reason,
        helpers=reply.helpers,
        marked=pieces(plan.title, ()),
        keys=() if plan.reason else ("↵",),
        is_plan=True,
    )
    reply.add("line", _("Actions"), [option])
