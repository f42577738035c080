"""Lists: what the address and the cookie may say, and what becomes of the rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.http import HttpRequest
from django.test import RequestFactory

from portal.kernel.errors import InvalidInput
from portal.kernel.web.exports import csv_cell
from portal.kernel.web.table_views import SavedView, TableState
from portal.kernel.web.tables import Choice, Column, Table, query_checked, rows_html


class Filters(forms.Form):
    search = forms.CharField(required=False, max_length=10)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), ("on", "On")])


TABLE = Table(
    key="things",
    row="thing",
    label="Things",
    url="/things",
    permission="things.view",
    filters=Filters,
    is_selectable=lambda row: row.is_free,
    columns=(
        Column("name", "Name", lambda row: row.name, sort="name", is_fixed=True),
        Column("size", "Size", lambda row: row.size, sort="-size", is_numeric=True),
        Column("note", "Note", lambda row: row.note, is_default=False),
    ),
)


def asked(query: str = "", cookie: str = "") -> HttpRequest:
    request = RequestFactory().get(f"/things{query}")
    if cookie:
        request.COOKIES[TABLE.cookie] = cookie
    return request


def state(query: str = "") -> TableState:
    request = asked(query)
    return TableState(request, TABLE, Filters(request.GET), ())


def chosen(query: str = "", cookie: str = "") -> tuple[str, list[str], int]:
    choice = Choice.of(asked(query, cookie), TABLE)
    return choice.order, [column.key for column in choice.columns], choice.size


def test_a_list_opens_in_its_usual_way() -> None:
    assert chosen() == ("-created_at", ["name", "size"], 25)


def test_the_address_says_order_columns_and_size() -> None:
    assert chosen("?ordering=size&columns=note&size=50") == ("size", ["name", "note"], 50)


@pytest.mark.parametrize("query", ["?ordering=secret", "?columns=x", "?size=7", "?size=1e9"])
def test_nonsense_is_the_usual(query: str) -> None:
    assert chosen(query) == ("-created_at", ["name", "size"], 25)


def test_columns_and_size_are_remembered() -> None:
    cookie = Choice.of(asked("?columns=note&size=100"), TABLE).remembered()
    assert (cookie, chosen(cookie=cookie)) == (
        "100.name.note",
        ("-created_at", ["name", "note"], 100),
    )


def test_a_cookie_of_somebody_elses_making_is_the_usual() -> None:
    assert chosen(cookie="<b>.'--.\x00") == ("-created_at", ["name", "size"], 25)


def test_a_head_asks_for_its_own_direction_first_and_then_the_other() -> None:
    links = [head.link for head in state().heads()]
    turned = [head.link for head in state("?ordering=-size").heads()]
    assert (links, turned) == (
        ["?ordering=name", "?ordering=-size"],
        ["?ordering=name", "?ordering=size"],
    )


def test_the_head_of_the_order_says_so() -> None:
    assert [head.state for head in state("?ordering=-size").heads()] == ["", "descending"]


def test_links_keep_the_filters_and_leave_the_place() -> None:
    link = state("?status=on&search=&after=abc&count=true").link(size="50")
    assert link == "?status=on&size=50"


def test_the_tab_of_what_is_shown_is_the_current_one() -> None:
    shown = state("?status=on&ordering=name")
    shown.saved = (
        SavedView("1", "On", "ordering=name&status=on", True, False, False),
        SavedView("2", "Other", "search=x", True, False, False),
    )
    assert [tab.is_current for tab in shown.tabs()] == [False, True, False]


def row(**more: Any) -> SimpleNamespace:
    values = {"pk": 7, "name": "<b>", "size": 3, "note": "", "is_free": True, **more}
    return SimpleNamespace(**values)


def test_cells_are_escaped_and_rows_have_a_name() -> None:
    html = rows_html(TABLE, TABLE.columns[:2], [row()])
    assert html == (
        '<tr id="thing-7" data-row><td>&lt;b&gt;</td><td class="r num hide-s">3</td></tr>'
    )


def test_only_rows_that_something_can_be_done_with_have_a_box() -> None:
    html = rows_html(TABLE, (), [row(), row(is_free=False)], select="Select {}")
    assert html.count("<input") == 1


def test_a_kept_query_is_in_one_spelling() -> None:
    query = "?status=on&columns=note&columns=size&after=x&search=&ordering=-size"
    assert query_checked(TABLE, query) == "columns=note%2Csize&ordering=-size&status=on"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("owner=me", "owner is no parameter of this list. It knows columns, ordering, search"),
        ("status=off", "status: Select a valid choice."),
        ("ordering=secret", "ordering cannot be secret; it is one of"),
        ("size=7", "size cannot be 7; it is one of 100, 25, 50."),
        ("columns=name,x", "columns cannot be x; it is one of default, name, note, size."),
        ("search=" + "x" * 2000, "The filter has 2007 characters; at most 1000 are kept."),
    ],
)
def test_a_query_of_another_list_is_refused_with_what_this_one_knows(query: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        query_checked(TABLE, query)
    assert caught.value.faults[0].message.startswith(told)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_computes_nothing(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


def test_other_cells_stay_as_they_are() -> None:
    assert [csv_cell(value) for value in ("web-1", None, 3)] == ["web-1", "", "3"]
