"""The page of a list: filters, order, columns, pages, saved filters and CSV from one description."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.kernel.keyset import Ordering
from portal.kernel.ui import Text
from portal.kernel.web import tables
from portal.kernel.web.exports import csv_response
from portal.kernel.web.paging import CURSORS, Page, page_of
from portal.kernel.web.tables import Choice, Column, Table
from portal.kernel.web.views import PortalView

EXPORT, COUNT, VIEW = "export", "count", "view"
_PASSING: Final = (*CURSORS, COUNT, EXPORT, tables.COLUMNS, tables.SIZE, "tenant")
_YEAR_S: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SavedView:
    """A saved filter as the tabs above a list show it."""

    id: str
    name: str
    query: str
    is_mine: bool
    is_shared: bool
    is_default: bool


SavedViews = Callable[[str], Sequence[SavedView]]
_saved: list[SavedViews] = []


def register_saved_views(provider: SavedViews) -> None:
    """Says where the saved filters of a table come from, for whoever asks."""
    _saved[:] = [provider]


@dataclass(frozen=True, slots=True)
class Control:
    """One filter as the toolbar draws it; widgets of forms would cost more than the rows."""

    name: str
    label: Text
    kind: str
    value: str
    options: Sequence[tuple[str, Text, bool]]


@dataclass(frozen=True, slots=True)
class Head:
    """One head cell: `state` is ascending, descending or empty, `link` the order a click asks for."""

    column: Column
    state: str
    link: str


@dataclass(frozen=True, slots=True)
class Tab:
    """One saved filter above the list, or all rows."""

    label: str
    link: str
    is_current: bool
    is_shared: bool = False


class TableState:
    """A list as its templates show it."""

    def __init__(
        self, request: HttpRequest, table: Table, form: forms.Form, without: Collection[str]
    ) -> None:
        self.table, self.form, self.request = table, form, request
        self.without = without
        self.choice = Choice.of(request, table, without)
        self.page = Page([], None, None)
        self.rows_html = SafeString("")
        self.count: int | None = None
        self.saved: Sequence[SavedView] = ()

    @property
    def path(self) -> str:
        """The list as it is asked for now; its rows ask for themselves here."""
        return self.request.get_full_path()

    @property
    def query(self) -> str:
        """What was chosen, without the place in the list."""
        return self._query().urlencode()

    @property
    def export_link(self) -> str:
        return self.link(**{EXPORT: "csv"})

    @property
    def count_link(self) -> str:
        query = self.request.GET.copy()
        query[COUNT] = "true"
        return "?" + query.urlencode()

    @property
    def is_filtered(self) -> bool:
        return bool(self.form.has_changed())

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.choice.columns) + (self.table.is_selectable is not None)

    def link(self, **changes: str) -> str:
        """The list with other values, from its first page on."""
        query = self._query()
        for name, value in changes.items():
            query[name] = value
        return "?" + query.urlencode()

    def _query(self) -> QueryDict:
        query = self.request.GET.copy()
        empty = [name for name in query if not any(query.getlist(name))]
        for name in [*_PASSING, *empty]:
            query.pop(name, None)
        return query

    def heads(self) -> list[Head]:
        """The head cells."""
        now = Ordering.of(self.choice.order)
        return [self._head(column, now) for column in self.choice.columns]

    def _head(self, column: Column, now: Ordering) -> Head:
        if not column.sort:
            return Head(column, "", "")
        first = Ordering.of(column.sort)
        if first.field != now.field:
            return Head(column, "", self.link(ordering=column.sort))
        state = "descending" if now.is_descending else "ascending"
        return Head(column, state, self.link(ordering=now.reversed().words()[0]))

    def controls(self) -> list[Control]:
        """The filters; the search comes first, wherever the form has it."""
        found = [self._control(name) for name in self.form.fields]
        return sorted(found, key=lambda one: one.kind != "search")

    def _control(self, name: str) -> Control:
        bound = self.form[name]
        value = str(bound.value() or "")
        choices = getattr(bound.field, "choices", None)
        if choices is not None:
            options = [(str(key), label, str(key) == value) for key, label in choices]
            return Control(name, bound.label, "select", value, options)
        kind = "search" if name == "search" else getattr(bound.field.widget, "input_type", "text")
        return Control(name, bound.label, kind, value, ())

    def hidden(self) -> list[tuple[str, str]]:
        """What the filter form carries along: everything that is no filter of its own."""
        query = self._query()
        return [(n, v) for n in query if n not in self.form.fields for v in query.getlist(n)]

    def column_choices(self) -> list[tuple[Column, bool]]:
        """The columns somebody may show or not."""
        offered = [one for one in self.table.columns if one.key not in self.without]
        return [(one, one in self.choice.columns) for one in offered if not one.is_fixed]

    def sizes(self) -> list[tuple[int, str, bool]]:
        """The page sizes, with their addresses."""
        return [(n, self.link(size=str(n)), n == self.choice.size) for n in tables.SIZES]

    def tabs(self) -> list[Tab]:
        """All rows, then the saved filters."""
        mine = {name: value for name, value in self._query().items() if name != VIEW}
        found = [Tab(_("All"), f"?{VIEW}=all", not mine)]
        for view in self.saved:
            kept = QueryDict(view.query).items()
            wanted = {name: value for name, value in kept if name not in _PASSING}
            link = f"?{view.query}" if view.query else f"?{VIEW}=all"
            found.append(Tab(view.name, link, bool(mine) and wanted == mine, view.is_shared))
        return found


class TableView(PortalView):
    """Shows `table`. A list says which rows there are, and how they become what its cells read.

    What no topic tells of may be asked for every `poll_s` seconds instead.
    """

    table: ClassVar[Table]
    template_name = "portal/table/page.html"
    fragment_name = "portal/table/_region.html"
    empty_name: ClassVar[str] = ""
    live_topics: ClassVar[str] = ""
    poll_s: int = 0
    is_exported: ClassVar[bool] = True

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Any]:
        """The rows that these filters leave, for whoever asks."""
        raise NotImplementedError

    def shown(self, rows: list[Any]) -> Iterable[Any]:
        """The rows as the cells read them."""
        return rows

    def without(self) -> Collection[str]:
        """Columns that the role does not see."""
        return ()

    def may_select(self) -> bool:
        """Whether there is anything to do with many rows at once."""
        return False

    def values(self) -> dict[str, Any]:
        """What the page shows beside the list."""
        return {}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        saved = _saved[0](self.table.key) if _saved else ()
        usual = next((one.query for one in saved if one.is_mine and one.is_default), "")
        if usual and not request.GET:
            return HttpResponseRedirect(f"?{usual}")
        form = self.table.filters(request.GET)
        state = TableState(request, self.table, form, self.without())
        state.form.is_valid()
        rows = self.rows(state.form.cleaned_data)
        if self.is_exported and request.GET.get(EXPORT) == "csv":
            ordered = rows.order_by(*Ordering.of(state.choice.order).words())
            return csv_response(request, self.table, state.choice.columns, ordered, self.shown)
        state.saved = saved
        return self._page(state, rows)

    def _page(self, state: TableState, rows: QuerySet[Any]) -> HttpResponseBase:
        request, choice = self.request, state.choice
        state.page = page_of(request, rows, size=choice.size, order=choice.order)
        if request.GET.get(COUNT) == "true":
            state.count = rows.order_by().values("pk").count()
        may_select = self.may_select()
        state.rows_html = tables.rows_html(
            self.table,
            choice.columns,
            self.shown(state.page.rows),
            select=_("Select {}") if may_select else "",
        )
        response = self.page(
            {
                "state": state,
                "table": self.table,
                "may_select": may_select,
                "empty_name": self.empty_name,
                "live_topics": self.live_topics,
                "poll_s": self.poll_s,
                "is_exported": self.is_exported,
                **self.values(),
            }
        )
        if request.headers.get("HX-Source", "").startswith("form#filter-"):
            # What a browser would write into the address has every empty field in it.
            response["HX-Push-Url"] = self.table.url + (
                state.link() if state.query else "?view=all"
            )
        if {tables.COLUMNS, tables.SIZE} & set(request.GET):
            response.set_cookie(
                self.table.cookie,
                choice.remembered(),
                max_age=_YEAR_S,
                path=self.table.url,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
