"""Forms about snapshots, backups, restores and schedules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from provisioning.logic.copy_states import BackupMode

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class SnapshotForm(forms.Form):
    """A snapshot to take."""

    name = forms.CharField(
        label=_("Name"),
        max_length=40,
        help_text=_("Letters, digits, dashes and underscores; it begins with a letter."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    description = forms.CharField(label=_("Description"), max_length=200, required=False)
    with_memory = forms.BooleanField(
        label=_("Keep the memory, too: it goes on where it was"), required=False
    )


class BackupForm(forms.Form):
    """A backup to make."""

    mode = forms.ChoiceField(label=_("Mode"), choices=BackupMode.choices)
    notes = forms.CharField(label=_("Notes"), max_length=200, required=False)
    is_protected = forms.BooleanField(label=_("Protect it from every deletion"), required=False)


class RestoreOverForm(forms.Form):
    """A restore over the machine."""

    is_backed_up_first = forms.BooleanField(
        label=_("Back up what is there first"), required=False, initial=True
    )


class RestoreNewForm(forms.Form):
    """A restore as a new deployment."""

    name = forms.CharField(label=_("Name"), max_length=63, widget=forms.TextInput(attrs=_PLAIN))
    ttl_hours = forms.IntegerField(label=_("How many hours"), min_value=1, required=False)


class ScheduleForm(forms.Form):
    """When backups are made, of what, and which are kept."""

    name = forms.CharField(label=_("Name"), max_length=63, widget=forms.TextInput(attrs=_PLAIN))
    deployment_id = forms.ChoiceField(label=_("Deployment"), required=False)
    tag = forms.CharField(
        label=_("Or all with this tag"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    cron = forms.CharField(
        label=_("When"),
        max_length=100,
        initial="30 2 * * *",
        help_text=_("Minute, hour, day, month, weekday: 30 2 * * * is every day at 02:30."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    time_zone = forms.CharField(label=_("Time zone"), max_length=64)
    keep_last = forms.IntegerField(label=_("Keep the last"), min_value=0, required=False)
    keep_daily = forms.IntegerField(label=_("One a day, for days"), min_value=0, required=False)
    keep_weekly = forms.IntegerField(label=_("One a week, for weeks"), min_value=0, required=False)
    keep_monthly = forms.IntegerField(
        label=_("One a month, for months"), min_value=0, required=False
    )

    def __init__(self, *args: Any, machines: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["deployment_id"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [("", "—"), *machines]
