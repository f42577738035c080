"""Moments and spans: what people type, what forms get, what stands in the field again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.utils import timezone

from portal.kernel.web.widgets import DateTimeInput, DurationInput, read_span, written_span
from tests.portal.ui.rendering import rendered, text

PRESETS = [("4 h", "4 hours"), ("7 d", "7 days")]


class Lease(forms.Form):
    ends_at = forms.DateTimeField(label="Ends", widget=DateTimeInput())
    extra = forms.DurationField(label="Extend by", widget=DurationInput(presets=PRESETS))


@pytest.mark.parametrize(
    ("typed", "span"),
    [
        ("3 d 4 h", timedelta(days=3, hours=4)),
        ("90 min", timedelta(minutes=90)),
        ("2h30", timedelta(hours=2, minutes=30)),
        ("1,5 h", timedelta(minutes=90)),
        ("2 jours", timedelta(days=2)),
        ("2 weeks", timedelta(weeks=2)),
        ("12", timedelta(hours=12)),
        (" 45s ", timedelta(seconds=45)),
        ("", None),
        ("for ever", None),
        ("3 x", None),
        ("4 h soon", None),
        ("-4 h", None),
        ("1 2 3", None),
        ("99999999999 d", None),
    ],
)
def test_spans_are_read_as_people_write_them(typed: str, span: timedelta | None) -> None:
    assert read_span(typed) == span


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (timedelta(minutes=90), "1 h 30 min"),
        (timedelta(0), "0 min"),
        (timedelta(seconds=45), "45 s"),
    ],
)
def test_spans_are_written_so_that_they_are_read_again(span: timedelta, written: str) -> None:
    assert (written_span(span), read_span(written)) == (written, span)


def test_a_form_gets_the_span() -> None:
    form = Lease({"ends_at": "2026-12-01T18:00", "extra": "2h30"})
    assert form.is_valid()
    assert form.cleaned_data["extra"] == timedelta(hours=2, minutes=30)


def test_what_cannot_be_read_stays_in_the_field_with_its_fault() -> None:
    html = rendered('<c-field :field="form.extra" />', form=Lease({"extra": "for ever"}))
    assert 'value="for ever"' in html
    assert "Enter a valid duration." in text(html)


def test_a_span_that_was_read_is_shown_in_words_again() -> None:
    html = rendered('<c-field :field="form.extra" />', form=Lease({"extra": "150 min"}))
    assert 'value="2 h 30 min"' in html


def test_ready_made_answers_wait_for_the_script() -> None:
    html = rendered('<c-field :field="form.extra" />', form=Lease())
    assert '<span class="presets" role="group" aria-label="Extend by" hidden>' in html
    assert '<button type="button" data-fill="7 d">7 days</button>' in html


def test_a_moment_is_meant_in_the_zone_of_the_reader() -> None:
    with timezone.override("Europe/Paris"):
        form = Lease({"ends_at": "2026-07-01T18:00", "extra": "1 h"})
        assert form.is_valid()
        html = rendered('<c-field :field="form.ends_at" />', form=form)
    assert form.cleaned_data["ends_at"].astimezone(UTC) == datetime(2026, 7, 1, 16, tzinfo=UTC)
    assert '<span class="zone">Europe/Paris</span>' in html


def test_a_stored_moment_is_shown_in_the_zone_of_the_reader() -> None:
    with timezone.override("Europe/Paris"):
        form = Lease(initial={"ends_at": datetime(2026, 7, 1, 16, tzinfo=UTC)})
        html = rendered('<c-field :field="form.ends_at" />', form=form)
    assert 'type="datetime-local"' in html
    assert 'value="2026-07-01T18:00"' in html
