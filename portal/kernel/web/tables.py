"""One way to do a list: columns, filters, order and page size, all told by the address.

An app describes a table once and registers it; `TableView` (`table_views.py`) shows it, saved filters are
checked against it, and its CSV has the same columns. The columns and the page size somebody chose are
remembered in a cookie of the list's own address (ADR columns-live-in-a-cookie).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.ui import Text
from portal.kernel.web.paging import CURSORS, PAGE_SIZE

SIZES: Final = (25, 50, 100)
COLUMNS, ORDERING, SIZE = "columns", "ordering", "size"
DEFAULT_COLUMNS: Final = "default"
QUERY_LENGTH: Final = 1_000
Cell = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `sort` is the field it is ordered by, with '-' when the first click goes downwards.

    `cell` answers HTML that is safe, or text that is not; `text` the value in the CSV, which a column
    without it does not enter. A fixed column cannot be taken away; `on_phones` ones stay on small screens.
    """

    key: str
    label: Text
    cell: Cell
    text: Cell | None = None
    sort: str = ""
    is_default: bool = True
    is_fixed: bool = False
    is_numeric: bool = False
    on_phones: bool = False

    @property
    def css(self) -> str:
        """Classes of its cells."""
        names = (("r num", self.is_numeric), ("hide-s", not (self.on_phones or self.is_fixed)))
        return " ".join(name for name, wanted in names if wanted)


@dataclass(frozen=True, slots=True)
class Table:
    """A list of one kind of row: `row` is its name in ids, `is_selectable` says which rows have a box."""

    key: str
    row: str
    label: Text
    url: str
    permission: str
    columns: tuple[Column, ...]
    filters: Callable[..., forms.Form]
    default_order: str = "-created_at"
    is_selectable: Callable[[Any], bool] | None = None
    row_name: Callable[[Any], str] = str

    def column(self, key: str) -> Column | None:
        return next((column for column in self.columns if column.key == key), None)

    @property
    def orders(self) -> frozenset[str]:
        """What `ordering` may say, without its direction."""
        return frozenset(one.sort.removeprefix("-") for one in self.columns if one.sort)

    @property
    def cookie(self) -> str:
        return f"table-{self.key}"

    def chosen(self, names: Iterable[str]) -> tuple[Column, ...]:
        """The columns of these names and the fixed ones, in the table's order; the usual ones for none."""
        wanted = {name for name in names if self.column(name)}
        if not wanted:
            return tuple(one for one in self.columns if one.is_default or one.is_fixed)
        return tuple(one for one in self.columns if one.is_fixed or one.key in wanted)


_tables: dict[str, Table] = {}


def register_table(table: Table) -> None:
    """Adds or replaces a list that has saved filters."""
    _tables[table.key] = table


def tables() -> Mapping[str, Table]:
    """All registered lists by key."""
    return dict(_tables)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address and the cookie say about order, columns and page size; nonsense is the usual."""

    order: str
    columns: tuple[Column, ...]
    size: int

    @classmethod
    def of(cls, request: HttpRequest, table: Table, without: Collection[str] = ()) -> Choice:
        remembered = request.COOKIES.get(table.cookie, "").split(".")
        names = _words(request.GET, COLUMNS) or remembered[1:]
        size = request.GET.get(SIZE) or remembered[0]
        order = request.GET.get(ORDERING, "")
        return cls(
            order=order if order.removeprefix("-") in table.orders else table.default_order,
            columns=tuple(one for one in table.chosen(names) if one.key not in without),
            size=next((one for one in SIZES if str(one) == size), PAGE_SIZE),
        )

    def remembered(self) -> str:
        """As the cookie keeps it."""
        return ".".join([str(self.size), *(column.key for column in self.columns)])


def _words(query: QueryDict, name: str) -> list[str]:
    return [word for value in query.getlist(name) for word in value.split(",") if word]


def query_checked(table: Table, query: str) -> str:
    """A query string as this table understands it, in one spelling: filters, ordering, columns, size.

    Raises:
        InvalidInput: it is too long, or a parameter or a value is none of this table's.
    """
    if len(query) > QUERY_LENGTH:
        message = _("The filter has %(count)s characters; at most %(most)s are kept.")
        raise _fault(message % {"count": len(query), "most": QUERY_LENGTH})
    try:
        given = QueryDict(query.removeprefix("?"))
    except ValueError as error:
        raise _fault(_("The filter is no query string.")) from error
    form = table.filters(given)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        raise _fault(f"{name}: {errors[0]}")
    kept: list[tuple[str, str]] = []
    for name in sorted(set(given) - {*CURSORS, "count", "tenant", "view"}):
        values = [value for value in given.getlist(name) if value]
        if values and _is_known(table, form, name, values):
            kept += [(name, ",".join(_words(given, name)) if name == COLUMNS else values[-1])]
    return urlencode(kept)


def _is_known(table: Table, form: forms.Form, name: str, values: Sequence[str]) -> bool:
    """Raises InvalidInput, naming what the table does know."""
    value = values[-1]
    match name:
        case known if known in form.fields:
            return True
        case "ordering":
            allowed = {f"{sign}{order}" for order in table.orders for sign in ("", "-")}
        case "size":
            allowed = {str(size) for size in SIZES}
        case "columns":
            allowed = {column.key for column in table.columns} | {DEFAULT_COLUMNS}
            value = next((one for one in ",".join(values).split(",") if one not in allowed), "")
            return not value or _refuse(name, value, allowed)
        case _:
            names = sorted([*form.fields, COLUMNS, ORDERING, SIZE])
            message = _("%(name)s is no parameter of this list. It knows %(known)s.")
            raise _fault(message % {"name": name[:40], "known": ", ".join(names)})
    return value in allowed or _refuse(name, value, allowed)


def _refuse(name: str, value: str, allowed: Iterable[str]) -> bool:
    message = _("%(name)s cannot be %(value)s; it is one of %(known)s.")
    told = {"name": name, "value": value[:40], "known": ", ".join(sorted(allowed))}
    raise _fault(message % told)


def _fault(message: str) -> InvalidInput:
    return InvalidInput(faults=(Fault("query", "invalid", message),))


def rows_html(
    table: Table, columns: Sequence[Column], rows: Iterable[Any], *, select: str = ""
) -> SafeString:
    """The rows of a table, cell by cell; `select` is what the name of each row's box says ("Select {}")."""
    classes = [mark_safe(f' class="{one.css}"' if one.css else "") for one in columns]  # noqa: S308 - ours
    return mark_safe(  # noqa: S308 - every part was escaped
        "".join(_row_html(table, columns, classes, row, select) for row in rows)
    )


def _row_html(
    table: Table, columns: Sequence[Column], classes: Sequence[str], row: Any, select: str
) -> str:
    parts = [f'<tr id="{table.row}-{row.pk}" data-row>']
    if select and table.is_selectable is not None:
        parts.append(_box(table, row, select))
    parts += [
        f"<td{css}>{conditional_escape(column.cell(row))}</td>"
        for column, css in zip(columns, classes, strict=True)
    ]
    parts.append("</tr>")
    return "".join(parts)


def _box(table: Table, row: Any, select: str) -> str:
    if table.is_selectable is None or not table.is_selectable(row):
        return '<td class="pick"></td>'
    return format_html(
        '<td class="pick"><input type="checkbox" name="ids" value="{}" form="bulk-{}" '
        'aria-label="{}" autocomplete="off"></td>',
        row.pk,
        table.key,
        select.format(table.row_name(row)),
    )
