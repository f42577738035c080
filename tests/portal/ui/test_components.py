"""Components: what reaches the reader and assistive technology, one reason to fail each."""

from __future__ import annotations

import re

import pytest
from django import forms

from portal.kernel.ui import statuses
from tests.portal.ui.rendering import rendered, text


class Machine(forms.Form):
    name = forms.CharField(label="Name", help_text="Lower case.")
    memory = forms.IntegerField(label="Memory", required=False)
    is_kept = forms.BooleanField(label="Keep it", required=False)


@pytest.mark.parametrize("domain", sorted(statuses()))
def test_every_registered_state_is_drawn_with_its_word(domain: str) -> None:
    styles = statuses()[domain]
    drawn = {
        value: text(rendered(f'{{% status_badge "{domain}" "{value}" %}}')) for value in styles
    }
    assert drawn == {value: str(style.label) for value, style in styles.items()}


def test_a_badge_has_icon_word_and_hue() -> None:
    html = rendered('<c-badge label="Running" icon="circle-check" tone="ok" />')
    assert re.fullmatch(r'<span class="badge ok"><svg.*</svg>Running</span>', html)


def test_what_people_typed_is_escaped() -> None:
    html = rendered('<c-badge label="{{ label }}" />', label="<img src=x onerror=alert(1)>")
    assert "<img" not in html


def test_a_field_names_its_hint() -> None:
    html = rendered('<c-field :field="form.name" />', form=Machine())
    assert 'aria-describedby="id_name_helptext"' in html
    assert '<span class="hint" id="id_name_helptext">Lower case.</span>' in html


def test_a_field_at_fault_says_so_beside_the_control() -> None:
    html = rendered('<c-field :field="form.name" />', form=Machine({"name": ""}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert "This field is required." in html


def test_a_field_that_may_stay_empty_says_optional() -> None:
    assert "optional" in text(rendered('<c-field :field="form.memory" />', form=Machine()))


def test_fields_of_a_filter_do_not_say_optional() -> None:
    html = rendered('<c-field :field="form.memory" :quiet="True" />', form=Machine())
    assert text(html) == "Memory"


def test_a_unit_is_drawn_for_eyes_only() -> None:
    html = rendered('<c-field :field="form.memory" unit="MiB" />', form=Machine())
    assert '<span aria-hidden="true">MiB</span>' in html


def test_a_check_box_sits_inside_its_label() -> None:
    html = rendered('<c-field :field="form.is_kept" />', form=Machine())
    assert re.search(
        r'<label class="check"><input type="checkbox".*<span>Keep it</span></label>', html
    )


def test_a_form_with_faults_announces_them() -> None:
    html = rendered('<c-form-errors :form="form" />', form=Machine({"name": ""}))
    assert 'role="alert"' in html
    assert text(html) == "Please correct the marked fields."


def test_a_form_without_faults_says_nothing() -> None:
    assert rendered('<c-form-errors :form="form" />', form=Machine()) == ""


def test_a_button_passes_its_attributes_on() -> None:
    html = rendered('<c-button command="show-modal" commandfor="stop">Stop</c-button>')
    assert '<button type="button" class="btn' in html
    assert 'command="show-modal"' in html
    assert 'commandfor="stop"' in html


def test_a_button_that_cannot_be_used_says_why_and_does_nothing() -> None:
    html = rendered(
        '<c-button type="submit" commandfor="x" disabled="It is on hold.">Stop</c-button>'
    )
    assert 'type="button"' in html
    assert 'aria-disabled="true"' in html
    assert "commandfor" not in html
    assert text(html) == "Stop It is on hold."


def test_a_link_can_look_like_a_button() -> None:
    html = rendered('<c-button href="/x">Go</c-button>')
    assert html.startswith('<a class="btn')


def test_a_meter_is_readable_without_its_bar() -> None:
    html = rendered('<c-meter label="Disk" text="6 / 8" :value="6" :max="8" tone="warn" />')
    assert text(html) == "Disk 6 / 8 6 / 8"
    assert '<progress class="warn" value="75" max="100" aria-label="Disk">' in html


def test_an_unlimited_meter_stays_empty() -> None:
    assert 'value="0"' in rendered('<c-meter label="Disk" :value="6" :max="limit" />', limit=None)


def test_steps_mark_the_one_that_runs() -> None:
    steps = [
        {"label": "Clone", "status": "completed", "detail": "VMID 20001"},
        {"label": "Start", "status": "running", "detail": ""},
        {"label": "Ready", "status": "pending", "detail": ""},
    ]
    html = rendered('<c-steps label="Steps" :steps="steps" />', steps=steps)
    assert re.findall(r'<li class="(\w+)"( aria-current="step")?', html) == [
        ("completed", ""),
        ("running", ' aria-current="step"'),
        ("pending", ""),
    ]


def test_a_log_keeps_its_lines_as_they_are() -> None:
    html = rendered('<c-log title="Task log" :lines="lines" />', lines=["a <b>", "c"])
    assert (
        '<span class="l"><span>a &lt;b&gt;</span></span><span class="l"><span>c</span></span>'
        in html
    )


def test_only_a_live_log_can_be_followed() -> None:
    live = rendered('<c-log title="Log" :lines="lines" :live="True" />', lines=["a"])
    ended = rendered('<c-log title="Log" :lines="lines" />', lines=["a"])
    assert ("Follow" in live, "Follow" in ended) == (True, False)


def test_a_dialog_names_itself_and_can_be_left() -> None:
    html = rendered(
        '<c-dialog id="stop" title="Stop web-1?" action="/x" confirm="Stop">Text</c-dialog>'
    )
    assert '<dialog class="modal" id="stop" aria-labelledby="stop-title">' in html
    assert '<h2 id="stop-title">Stop web-1?</h2>' in html
    assert 'command="close" commandfor="stop"' in html


def test_a_pager_of_one_page_draws_nothing() -> None:
    assert rendered('<c-pager :previous="nothing" :next="nothing" />', nothing=None) == ""


def test_a_pager_leads_to_older_entries() -> None:
    html = rendered('<c-pager :next="next" />', next="?after=1")
    assert 'href="?after=1" rel="next"' in html


def test_a_table_is_a_named_region_one_can_scroll() -> None:
    html = rendered('<c-table label="Machines"><tr></tr></c-table>')
    assert '<div class="table-wrap" tabindex="0" role="group" aria-label="Machines">' in html


def test_an_error_toast_can_be_dismissed() -> None:
    html = rendered('<c-toast tone="danger" name="offline">No answer</c-toast>')
    assert 'data-toast="offline"' in html
    assert 'aria-label="Dismiss"' in html


def test_a_card_is_named_by_its_heading() -> None:
    html = rendered('<c-card title="Cost" id="cost">Text</c-card>')
    assert 'aria-labelledby="cost"' in html
    assert '<h2 id="cost">Cost</h2>' in html
