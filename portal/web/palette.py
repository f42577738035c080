"""The command palette: one question, one reply, as a fragment for the dialog or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel.authz import SIGNED_IN
from portal.kernel.commands import (
    CANDIDATES,
    Asking,
    Row,
    SearchProvider,
    Words,
    commands_for,
    search_providers,
)
from portal.kernel.matching import QUERY_MOST, fold, words_of
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import PortalView
from portal.logic.command_line import parsed
from portal.web.palette_lines import line_read
from portal.web.palette_options import (
    SHOWN,
    Option,
    Reply,
    command_options,
    found_options,
    nav_options,
    row_option,
    shortcut_options,
    subject_options,
)

ACTIONS_ONLY, SHORTCUTS = ">", "?"
RECENT_MOST = 8
OPENING, ALL = 6, 100


class Palette(PortalView):
    """`/palette?q=&page=&recent=`: `page` and `recent` are addresses of pages."""

    permission = SIGNED_IN
    template_name = "portal/palette/_reply.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        is_json = request.accepts("application/json") and not request.accepts("text/html")
        is_fragment = bool(getattr(request, "htmx", False))
        query = request.GET.get("q", "")[:QUERY_MOST]
        if not is_json and not is_fragment:
            typed = QueryDict(mutable=True)
            typed["q"] = query
            return HttpResponseRedirect(f"{reverse('portal:search')}?{typed.urlencode()}")
        page = request.GET.get("page", "/")
        asking = Asking(self.actor, _path(page), request)
        recent = [_path(one) for one in request.GET.getlist("recent")[:RECENT_MOST]]
        reply = reply_to(asking, query, recent)
        if is_json:
            response: HttpResponse = JsonResponse(reply.as_dict())
            response["Cache-Control"] = "no-store"
            return response
        return self.page({"reply": reply, "next": page})


def _path(address: str) -> str:
    try:
        return urlsplit(address).path[:QUERY_MOST]
    except ValueError:
        return "/"


def reply_to(
    asking: Asking, query: str, recent: Sequence[str] = (), *, shown: int = SHOWN
) -> Reply:
    """What the palette says to a line."""
    reply = Reply(query)
    text = query.strip()
    mode = text[:1]
    if mode == SHORTCUTS:
        reply.add("shortcuts", _("Shortcuts"), shortcut_options())
        return reply
    providers = _providers(asking)
    narrowed = [one for one in providers if one.prefix and one.prefix == mode]
    if narrowed:
        words = words_of(text[1:])
        for provider in narrowed:
            _add_found(asking, reply, provider, words, shown)
    elif mode == ACTIONS_ONLY:
        _say(asking, reply, text[1:].strip(), [], shown)
    elif text:
        _say(asking, reply, text, providers, shown)
    else:
        _open(asking, reply, recent)
    return reply


def _providers(asking: Asking) -> list[SearchProvider]:
    return search_providers(asking) if current_tenant_id() else []


def _open(asking: Asking, reply: Reply, recent: Sequence[str]) -> None:
    """Before anything is typed: what the page is about, where one was, what one can do and go to."""
    provider, here = _here(asking)
    if provider is not None and here is not None:
        reply.add("here", here.title, subject_options(asking, provider.kind, here))
    reply.add("recent", _("Recent"), _recent(asking, recent))
    reply.add("commands", _("Actions"), command_options(asking, (), ALL), visible=OPENING)
    reply.add("nav", _("Go to"), nav_options(asking, ()))


def _say(
    asking: Asking, reply: Reply, text: str, providers: Sequence[SearchProvider], shown: int
) -> None:
    """Something was typed: a line that is understood, else all that fits."""
    read = parsed(text, commands_for(asking))
    words = words_of(text)
    if read is not None:
        reply.query = text
        line_read(asking, reply, read, _here(asking)[1])
        if reply.plan is not None:
            return
    else:
        reply.add("commands", _("Actions"), command_options(asking, words, shown))
    is_action_only = not providers
    if not is_action_only and read is None:
        for provider in providers:
            _add_found(asking, reply, provider, words, shown)
        reply.add("nav", _("Go to"), nav_options(asking, words)[:shown])
        _add_actions_of_the_named(asking, reply, text, providers)
        reply.groups.sort(key=lambda group: -group.score)


def _add_found(
    asking: Asking, reply: Reply, provider: SearchProvider, words: Words, shown: int
) -> None:
    options = found_options(asking, provider, words, CANDIDATES)
    reply.add(
        provider.kind,
        provider.label,
        options[:shown],
        kind=provider.kind,
        has_more=len(options) > shown,
    )


def _add_actions_of_the_named(
    asking: Asking, reply: Reply, text: str, providers: Sequence[SearchProvider]
) -> None:
    """Whoever types the whole name of one object is shown what can be done to it, too."""
    for provider in providers:
        if provider.place:
            rows = asking.rows(provider, words_of(text))
            named = [row for row in rows if fold(row.title) == fold(text)]
            if len(named) == 1:
                options = subject_options(asking, provider.kind, named[0], SHOWN)
                reply.add("here", named[0].title, options)


def _here(asking: Asking) -> tuple[SearchProvider | None, Row | None]:
    """The object that the page is about."""
    for provider in _providers(asking):
        key = _key(provider, asking.path)
        if provider.get is not None and key:
            return provider, next(iter(provider.get(asking, [key])), None)
    return None, None


def _key(provider: SearchProvider, path: str) -> str:
    """The id in an address of the provider's pages."""
    if not provider.place or not path.startswith(provider.place):
        return ""
    return path.removeprefix(provider.place).split("/")[0]


def _recent(asking: Asking, paths: Sequence[str]) -> list[Option]:
    """The objects behind addresses that this browser remembers, as far as they may be seen now."""
    found: dict[str, Option] = {}
    for provider in _providers(asking):
        ids = [key for path in paths if (key := _key(provider, path)) and path != asking.path]
        if provider.get is None or not ids:
            continue
        for row in provider.get(asking, ids):
            option = row_option(row, provider, ())
            if option:
                found[row.url] = option
    return [found[path] for path in paths if path in found]
