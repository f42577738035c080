"""Components beyond forms and messages: what reaches the reader and assistive technology."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from django import forms
from django.apps import apps

from portal.kernel.ui import statuses
from tests.portal.ui.rendering import rendered, text

TABS = [
    {"label": "Overview", "url": "?tab=a", "icon": "info", "is_current": True},
    {"label": "Log", "url": "?tab=b", "count": 0},
]
STEPS = [
    {"label": "Template", "detail": "Debian", "url": "/1", "state": "done"},
    {"label": "Network", "detail": "", "url": "/2", "state": "current"},
    {"label": "Review", "detail": "", "url": None, "state": "todo"},
]


@pytest.mark.parametrize("domain", sorted(statuses()))
def test_states_differ_without_colour(domain: str) -> None:
    looks = {value: (str(style.label), style.icon) for value, style in statuses()[domain].items()}
    alike = [pair for pair in combinations(looks, 2) if looks[pair[0]] == looks[pair[1]]]
    assert alike == []


def test_every_state_of_every_object_has_a_look() -> None:
    registered = [set(styles) for styles in statuses().values()]
    states = {
        f"{model.__name__}.{field.name}": {str(value) for value, _label in field.choices}
        for model in apps.get_models()
        for field in model._meta.fields
        if field.name in {"status", "health"} and field.choices
    }
    assert len(states) >= 4
    assert [
        name for name, values in states.items() if not any(values <= r for r in registered)
    ] == []


def test_a_card_without_id_is_named_by_its_title() -> None:
    assert '<section class="card " aria-label="Cost">' in rendered(
        '<c-card title="Cost">x</c-card>'
    )


def test_a_card_without_title_has_no_head() -> None:
    html = rendered("<c-card>x</c-card>")
    assert ("card-head" in html, "<h2" in html, "aria-label" in html) == (False, False, False)


def test_a_card_ends_with_its_foot() -> None:
    html = rendered('<c-card title="Cost">x<c-slot name="foot">y</c-slot></c-card>')
    assert html.endswith('<div class="card-foot">y</div></section>')


def test_a_figure_says_by_how_much_it_changed() -> None:
    html = rendered('<c-stat label="Machines" value="3" delta="+2" delta-tone="ok" />')
    assert '<span class="delta ok"><svg' in html
    assert text(html) == "Machines 3 +2"


@pytest.mark.parametrize(
    ("delta", "direction", "arrow"),
    [
        ("+2", "", "up"),
        ("-2", "", "down"),
        ("\N{MINUS SIGN}2", "", "down"),
        ("stable", "", "flat"),
        ("2", "up", "up"),
    ],
)
def test_the_arrow_of_a_change_follows_its_sign(delta: str, direction: str, arrow: str) -> None:
    names = {"up": "trending-up", "down": "trending-down", "flat": "minus"}
    drawn = rendered("{% delta_icon delta direction %}", delta=delta, direction=direction)
    assert drawn == rendered(f'{{% icon "{names[arrow]}" 13 2.2 %}}')


def test_a_figure_can_be_a_link() -> None:
    html = rendered('<c-stat label="Machines" value="3" href="/machines" />')
    assert '<a class="stretched" href="/machines">Machines</a>' in html


@pytest.mark.parametrize(("value", "tone"), [(50, ""), (90, "warn"), (100, "danger")])
def test_a_ring_warns_by_fullness(value: int, tone: str) -> None:
    html = rendered('<c-ring label="CPU" :value="value" :max="100" />', value=value)
    assert f'<figure class="gauge {tone}">' in html
    assert f'stroke-dasharray="{value} 100"' in html


def test_a_ring_is_readable_without_its_drawing() -> None:
    html = rendered('<c-ring label="CPU" :value="5" :max="10" unit="vCPU" />')
    assert text(html) == "50% CPU 5 / 10 vCPU"


def test_a_ring_without_limit_says_so() -> None:
    html = rendered('<c-ring label="Addresses" :value="17" :max="none" />', none=None)
    assert text(html) == "∞ no limit Addresses 17"


def test_progress_has_a_name_and_a_figure() -> None:
    html = rendered('<c-progress label="Cloning" :value="62" />')
    assert 'value="62" max="100" aria-label="Cloning"' in html
    assert text(html) == "Cloning 62%"


def test_progress_of_unknown_length_has_no_value() -> None:
    html = rendered('<c-progress label="Waiting" :value="none" />', none=None)
    assert " value=" not in html


def test_a_stepper_marks_where_one_is() -> None:
    html = rendered('<c-stepper :steps="steps" current="2" />', steps=STEPS)
    assert re.findall(r'<li class="(\w+)"( aria-current="step")?', html) == [
        ("done", ""),
        ("current", ' aria-current="step"'),
        ("todo", ""),
    ]
    assert text(html).startswith("Step 2 of 3 Template done Debian")


def test_only_other_steps_are_links() -> None:
    html = rendered('<c-stepper :steps="steps" current="2" />', steps=STEPS)
    assert re.findall(r'href="([^"]+)"', html) == ["/1"]


def test_tabs_are_links_with_a_current_one() -> None:
    html = rendered('<c-tabs label="Parts" :tabs="tabs" />', tabs=TABS)
    assert '<nav class="tabs" aria-label="Parts" data-tabs>' in html
    assert re.findall(r'<a href="([^"]+)"( aria-current="page")?>', html) == [
        ("?tab=a", ' aria-current="page"'),
        ("?tab=b", ""),
    ]
    assert text(html) == "Overview Log 0"


def test_a_menu_button_says_what_it_opens() -> None:
    html = rendered('<c-menu id="m" label="Actions">x</c-menu>')
    assert (
        'popovertarget="m" aria-haspopup="menu" aria-expanded="false" aria-label="Actions"' in html
    )
    assert 'id="m" role="menu" aria-label="Actions" popover' in html


def test_a_menu_item_that_cannot_be_used_says_why() -> None:
    html = rendered('<c-menu-item disabled="It runs." action="/x">Start</c-menu-item>')
    assert 'aria-disabled="true"' in html
    assert "<form" not in html
    assert text(html) == "Start It runs."


def test_a_menu_item_can_post_by_itself() -> None:
    html = rendered('<c-menu-item action="/stop" name="now" value="1">Stop</c-menu-item>')
    assert '<form role="none" method="post" action="/stop">' in html
    assert 'type="submit" role="menuitem" name="now" value="1"' in html


def test_a_drawer_is_named_and_can_be_left() -> None:
    html = rendered('<c-drawer id="filters" title="Filters">x</c-drawer>')
    assert '<dialog class="modal drawer" id="filters" aria-labelledby="filters-title">' in html
    assert 'command="close" commandfor="filters" aria-label="Close"' in html


def test_a_dialog_that_only_closes_asks_no_server() -> None:
    html = rendered('<c-dialog id="d" title="T" method="dialog" confirm="Ok">x</c-dialog>')
    assert '<form method="dialog">' in html
    assert "csrf" not in html


def test_keys_are_shown_one_by_one() -> None:
    html = rendered('<c-kbd keys="Ctrl K" />')
    assert html == '<span class="keys"><kbd>Ctrl</kbd><kbd>K</kbd></span>'


def test_grey_lines_are_said_once() -> None:
    html = rendered('<c-skeleton lines="4" />')
    assert (html.count('class="skel '), text(html)) == (4, "Loading")


def test_a_tree_folds_what_has_children() -> None:
    nodes = [{"label": "paris", "children": [{"label": "pve-03", "url": "/n", "is_current": True}]}]
    html = rendered('<c-tree label="Nodes" :nodes="nodes" />', nodes=nodes)
    assert html.count("<details open>") == 1
    assert '<a href="/n" aria-current="true">pve-03</a>' in html
    assert html.count("aria-label=") == 1


def test_what_changed_is_marked_as_deleted_and_inserted() -> None:
    rows = [
        {"label": "memory", "before": 4, "after": 8},
        {"label": "hold", "before": None, "after": 0},
    ]
    html = rendered('<c-diff :rows="rows" />', rows=rows)
    assert re.findall(r"<(del|ins)>(\d+)</", html) == [("del", "4"), ("ins", "8"), ("ins", "0")]


def test_lines_of_code_have_addresses() -> None:
    html = rendered('<c-code id="site" language="yaml" :text="text" />', text="a: 1\nb: 2")
    assert '<a class="n" id="site-L2" href="#site-L2">2</a>' in html


def test_lines_of_a_log_have_addresses_when_it_has_an_id() -> None:
    with_id = rendered('<c-log title="Log" id="log" :lines="lines" />', lines=["a", "b"])
    without = rendered('<c-log title="Log" :lines="lines" />', lines=["a", "b"])
    assert ('id="log-L2" href="#log-L2"' in with_id, "href" in without) == (True, False)


@pytest.mark.parametrize(
    ("language", "source", "words"),
    [
        ("yaml", "name: true # x", [("key", "name"), ("word", "true"), ("comment", "# x")]),
        ("json", '{"a": "b", "c": 1.5}', [("key", '"a"'), ("string", '"b"'), ("key", '"c"'), ("number", "1.5")]),
        ("ini", "[web]\nport = \"80\"", [("word", "[web]"), ("key", "port"), ("string", '"80"')]),
        ("shell", "sudo ls -l $HOME", [("word", "sudo"), ("key", "-l"), ("key", "$HOME")]),
        ("python", "def go(): return 1", [("word", "def"), ("key", "go"), ("word", "return"), ("number", "1")]),
        ("html", '<b id="x">{{ y }}', [("key", "<b"), ("string", '"x"'), ("key", ">"), ("word", "{{ y }}")]),
        ("text", "true 1", []),
        ("klingon", "true 1", []),
    ],
)  # fmt: skip
def test_code_is_coloured_by_kind(language: str, source: str, words: list[tuple[str, str]]) -> None:
    html = rendered('<c-code :language="language" :text="text" />', language=language, text=source)
    found = re.findall(r'<i class="(\w+)">(.*?)</i>', html)
    unescaped = {"&quot;": '"', "&lt;": "<", "&gt;": ">"}
    plain = [
        (kind, re.sub("|".join(unescaped), lambda m: unescaped[m[0]], word)) for kind, word in found
    ]
    assert plain == words


def test_code_never_becomes_markup() -> None:
    html = rendered('<c-code language="html" :text="text" />', text="<img src=x onerror=alert(1)>")
    assert "<img" not in html


def test_a_chart_over_time_brings_its_texts_along() -> None:
    html = rendered('<c-chart src="/cpu.json" label="CPU" unit="%" max="100" group="node" />')
    assert '<uhub-chart src="/cpu.json" label="CPU" unit="%" group="node" max="100"' in html
    assert 'data-table="Show as table"' in html
    assert text(html) == "This chart needs a script."


@pytest.mark.parametrize(
    ("kind", "role"), [("RadioSelect", "radio"), ("CheckboxSelectMultiple", "checkbox")]
)
def test_choices_are_a_named_group(kind: str, role: str) -> None:
    field_type = forms.ChoiceField if role == "radio" else forms.MultipleChoiceField
    widget = getattr(forms, kind)
    form_type = type(
        "Sizes",
        (forms.Form,),
        {"size": field_type(label="Size", choices=[("s", "Small")], widget=widget)},
    )
    html = rendered('<c-field :field="form.size" />', form=form_type())
    assert '<div class="choices" role="group" aria-labelledby="id_size_legend">' in html
    assert f'<input type="{role}"' in html
