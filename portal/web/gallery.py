"""The living page of components: every one in every state, with its contract and the markup that made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.context_processors import DARK, LIGHT
from portal.kernel.web.views import PortalView
from portal.permissions import Permission
from portal.templatetags import ui, ui_charts
from portal.web.gallery_samples import figures, samples

GROUPS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "states": (_("States and facts"), ("status_badge", "badge", "tag", "avatar", "defs", "kbd")),
    "cards": (_("Cards and figures"), ("card", "stat", "rings", "meter")),
    "actions": (_("Actions"), ("button", "menu", "tooltip", "dialog", "drawer")),
    "forms": (_("Forms"), ("field", "form_errors", "stepper")),
    "ways": (_("Ways"), ("tabs", "tree", "pager")),
    "answers": (_("Answers"), ("alert", "toast", "empty", "skeleton")),
    "progress": (_("Progress"), ("progress", "steps", "timeline")),
    "lists": (_("Tables"), ("table", "table_bulk")),
    "texts": (_("Texts"), ("log", "code", "diff")),
    "charts": (_("Charts"), ("bar_chart", "area_chart", "sparkline", "chart")),
}
WIDE = frozenset({"table", "stat", "bar_chart", "area_chart", "field", "chart"})
TAGS: dict[str, Callable[..., object]] = {
    "status_badge": ui.status_badge,
    "bar_chart": ui_charts.bar_chart,
    "area_chart": ui_charts.area_chart,
    "sparkline": ui_charts.sparkline,
}
_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_COMMENT = re.compile(r"\{% comment %\}\n(.*?)\n?\{% endcomment %\}", re.DOTALL)
_ROW = re.compile(r"  (\S.*?)(?:\s{2,}|: )(.+)")


@dataclass(frozen=True, slots=True)
class Contract:
    """What the comment of a component says: sentences, then its variables."""

    sentences: str
    rows: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Specimen:
    """One component on the page."""

    name: str
    summary: str
    contracts: list[tuple[str, Contract]]
    source: str
    panes: list[tuple[str, SafeString]]
    is_wide: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Components of a kind."""

    key: str
    label: str | Promise
    specimens: list[Specimen]


class Gallery(PortalView):
    """`/ui`: for platform staff. `?theme=dark` or `light` shows one theme, else both stand side by side;
    `?only=menu` shows one component.
    """

    permission = Permission.SETTINGS_MANAGE
    template_name = "portal/gallery/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = request.GET.get("theme", "")
        themes = (chosen,) if chosen in {DARK, LIGHT} else (DARK, LIGHT)
        panes = {theme: {**samples(theme), "pane": theme} for theme in themes}
        only = request.GET.get("only", "")
        groups = [
            Group(key, label, [_specimen(name, panes, request) for name in shown])
            for key, (label, names) in GROUPS.items()
            if (shown := [name for name in names if only in {"", name}])
        ]
        choices = (("", _("Both themes")), (DARK, _("Dark")), (LIGHT, _("Light")))
        tabs = [
            {"label": label, "url": f"?theme={theme}", "is_current": themes == (theme,)}
            if theme
            else {"label": label, "url": "/ui", "is_current": len(themes) > 1}
            for theme, label in choices
        ]
        return self.page({"groups": groups, "tabs": tabs, "is_paired": len(themes) > 1})


class GalleryFigures(PortalView):
    """What the charts of the gallery draw."""

    permission = Permission.SETTINGS_MANAGE

    def get(self, request: HttpRequest) -> HttpResponse:
        name = request.GET.get("of", "")
        if name == "broken":
            return HttpResponse("broken", content_type="text/plain")
        return JsonResponse(figures(name))


def _specimen(name: str, panes: Mapping[str, dict[str, Any]], request: HttpRequest) -> Specimen:
    source = example(name)
    template = f"portal/gallery/examples/{name}.html"
    return Specimen(
        name=name,
        summary=_summary(name),
        contracts=sorted(_contracts(source), key=lambda found: found[0] != _tag(name)),
        source=source.replace("-{{ pane }}", "").replace(", {{ pane }}", ""),
        panes=[
            (theme, render_to_string(template, values, request)) for theme, values in panes.items()
        ],
        is_wide=name in WIDE,
    )


def _tag(name: str) -> str:
    return f"c-{name.replace('_', '-')}"


def _summary(name: str) -> str:
    if name in TAGS:
        return (TAGS[name].__doc__ or "").partition("\n")[0].replace("`", "")
    return contract(_component(name)).sentences


def _component(name: str) -> Path:
    return _TEMPLATES / settings.COTTON_DIR / f"{name.replace('-', '_')}.html"


@lru_cache(maxsize=128)
def example(name: str) -> str:
    """The markup of an example as a page would write it."""
    path = _TEMPLATES / "portal" / "gallery" / "examples" / f"{name}.html"
    return _COMMENT.sub("", path.read_text("utf-8")).strip()


def _contracts(source: str) -> Iterator[tuple[str, Contract]]:
    for name in dict.fromkeys(re.findall(r"<c-(?!slot)([a-z-]+)", source)):
        yield f"c-{name}", contract(_component(name))


@lru_cache(maxsize=128)
def contract(path: Path) -> Contract:
    """Reads the comment a component begins with."""
    found = _COMMENT.match(path.read_text("utf-8"))
    sentences: list[str] = []
    rows: list[tuple[str, str]] = []
    for line in found[1].splitlines() if found else []:
        row = _ROW.fullmatch(line)
        if row and not line.startswith("   "):
            rows.append((row[1], row[2]))
        elif line.startswith("  everything else"):
            rows.append(("…", line.strip()))
        elif rows and line.startswith("   "):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
        else:
            sentences.append(line.strip())
    return Contract(" ".join(sentences), rows)
