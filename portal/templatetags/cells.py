"""Cells of lists as functions: what a component per cell would draw, drawn once and remembered."""

from __future__ import annotations

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from portal.templatetags.ui import avatar_hue, icon, initials, status_badge

NONE = "—"


def badge_cell(domain: str, value: str) -> SafeString:
    """The badge of a registered state, as `{% status_badge %}` draws it."""
    return _badge(domain, str(value), get_language() or "")


@lru_cache(maxsize=512)
def _badge(domain: str, value: str, _language: str) -> SafeString:
    return render_to_string("portal/_status.html", status_badge(domain, value))


def link_cell(icon_name: str, url: str, title: str, sub: str) -> SafeString:
    """An icon, a name that leads to the object's page, and a line below it."""
    return format_html(
        '<div class="cell"><span class="os">{}</span><a href="{}" title="{}" data-row-link>'
        "<b>{}</b><small>{}</small></a></div>",
        icon(icon_name, 17),
        url,
        title,
        title,
        sub,
    )


def person_cell(name: str) -> SafeString:
    """Somebody with the initials in a colour of their own."""
    return _person(name) if name else SafeString(NONE)


@lru_cache(maxsize=1024)
def _person(name: str) -> SafeString:
    return format_html(
        '<span class="cell person"><span class="avatar round {}" aria-hidden="true">{}</span>'
        "<span>{}</span></span>",
        avatar_hue(name),
        initials(name),
        name,
    )


def tag_cell(text: str, icon_name: str = "") -> SafeString:
    """A small fact."""
    drawn = icon(icon_name, 13) if icon_name else ""
    return format_html('<span class="tag">{}{}</span>', drawn, text)


def clip_cell(text: str) -> SafeString:
    """Text that may be long: it ends in an ellipsis, its title has the rest."""
    return format_html('<span class="clip" title="{}">{}</span>', text, text or NONE)
