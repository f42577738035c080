"""What the components of the living page show: invented, the same at every look."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import sin
from typing import Any

from django import forms

from portal.kernel import clock
from portal.kernel.ui import statuses
from portal.kernel.web.charts import Chart, Series
from portal.kernel.web.widgets import DateInput, DateTimeInput, DurationInput

_PLAYBOOK = """\
# What every machine gets
- hosts: all
  become: true
  vars:
    packages: ["curl", "node-exporter"]
    retries: 3
    is_patched: false
  tasks:
    - name: Install the usual tools
      apt:
        name: "{{ packages }}"
        state: present
"""
_LOG = [
    "14:02:11 clone tpl-debian13 → 1043 on pve-04",
    "14:03:24 disk of 40 GiB copied in 1 min 12 s",
    "14:03:25 cloud-init: key, host name, DNS",
    "14:03:31 address 10.20.4.43/24 reserved in VLAN 204",
    "14:03:40 the guest agent is silent, next try in 5 s (1 of 6)",
    "14:03:46 the guest agent answers, kernel 6.12.48",
]
_DAYS = ("Fri 13", "Sat 14", "Sun 15", "Mon 16", "Tue 17", "Wed 18", "Thu 19")
_POINTS, _STEP_S, _BEGIN_S = 180, 60, 1_795_262_400
_GAP = range(96, 112)


class SampleForm(forms.Form):
    """One field of every kind."""

    name = forms.CharField(
        label="Name", help_text="Lower case, digits and hyphens.", initial="web-04"
    )
    memory = forms.IntegerField(label="Memory", max_value=64)
    template = forms.ChoiceField(
        label="Template", choices=[("debian", "Debian 13"), ("windows", "Windows 11")]
    )
    notes = forms.CharField(
        label="Notes",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "What it is for"}),
    )
    expires_at = forms.DateTimeField(
        label="Expires", widget=DateTimeInput(), help_text="In your own time zone."
    )
    day = forms.DateField(label="Day of the invoice", widget=DateInput(), required=False)
    lease = forms.DurationField(
        label="Extend by",
        initial=timedelta(days=3, hours=4),
        help_text="As “3 d 4 h”, “90 min” or “2h30”.",
        widget=DurationInput(
            presets=[("4 h", "4 hours"), ("1 d", "1 day"), ("7 d", "7 days"), ("30 d", "30 days")]
        ),
    )
    size = forms.ChoiceField(
        label="Size",
        initial="m",
        choices=[("s", "Small"), ("m", "Medium"), ("l", "Large")],
        widget=forms.RadioSelect,
    )
    networks = forms.MultipleChoiceField(
        label="Networks",
        initial=["lan"],
        choices=[("lan", "Office"), ("dmz", "DMZ"), ("lab", "Laboratory")],
        widget=forms.CheckboxSelectMultiple,
    )
    is_kept = forms.BooleanField(label="Keep it when the lease ends", required=False, initial=True)
    is_watched = forms.BooleanField(label="Watch it", required=False, initial=True)
    owner = forms.CharField(label="Owner", disabled=True, initial="Amélie Morel")
    key_file = forms.FileField(label="Public key", required=False)

    def clean_expires_at(self) -> datetime:
        chosen: datetime = self.cleaned_data["expires_at"]
        if chosen < clock.now():
            raise forms.ValidationError("This moment is past. Choose one within the next 30 days.")
        return chosen


def samples(pane: str) -> dict[str, Any]:
    """The values of all examples in one of the panes."""
    form = SampleForm(prefix=pane)
    typed = {
        "memory": "512",
        "expires_at": "2026-01-05T10:00",
        "lease": "for ever",
        "name": "web-04",
    }
    faulty = SampleForm(
        {f"{pane}-bad-{name}": value for name, value in typed.items()}, prefix=f"{pane}-bad"
    )
    return {
        "domains": [{"name": name, "states": list(styles)} for name, styles in statuses().items()],
        "nothing": None,
        "form": form,
        "faulty": faulty,
        "playbook": _PLAYBOOK,
        "log_lines": _LOG,
        "figures": _figures(),
        "week": _week(pane),
        "load": _load(pane),
        **_parts(),
        **_history(),
    }


def _figures() -> dict[str, list[float | None]]:
    wave = [50 + 18 * sin(index / 2.3) + 9 * sin(index * 1.7) for index in range(28)]
    gap = [None if index in range(12, 16) else value for index, value in enumerate(wave)]
    return {
        "rising": [value + 2 * index for index, value in enumerate(wave)],
        "falling": [value - 2 * index for index, value in enumerate(wave)],
        "flat": list(wave),
        "gap": gap,
    }


def _week(pane: str) -> Chart:
    created = Series("Created", [42, 58, 51, 62, 33, 34, 74])
    destroyed = Series("Destroyed", [30, 41, 55, 49, 20, 19, 48])
    return Chart("Machines by day", _DAYS, [created, destroyed], highlight=6, id=f"week-{pane}")


def _load(pane: str) -> Chart:
    hours = [f"{hour:02d}:00" for hour in range(24)]
    cpu = [34 + 22 * sin(hour / 3) for hour in range(24)]
    memory = [None if hour in range(9, 12) else 61 + 8 * sin(hour / 5) for hour in range(24)]
    return Chart(
        "Load by hour",
        hours,
        [Series("CPU", cpu), Series("Memory", memory)],
        "%",
        id=f"load-{pane}",
    )


def _parts() -> dict[str, Any]:
    return {
        "tabs": [
            {"label": "Overview", "url": "#tabs", "icon": "info", "is_current": True},
            {"label": "Operations", "url": "#tabs", "icon": "square-terminal", "count": 12},
            {"label": "Snapshots", "url": "#tabs", "icon": "camera", "count": 0},
            {"label": "Costs", "url": "#tabs", "icon": "receipt"},
        ],
        "form_steps": [
            {"label": "Template", "detail": "Debian 13", "url": "#stepper", "state": "done"},
            {"label": "Resources", "detail": "4 vCPU, 8 GiB", "url": "#stepper", "state": "done"},
            {"label": "Network", "detail": "VLAN, DNS", "url": None, "state": "current"},
            {"label": "Review", "detail": "Cost and quota", "url": None, "state": "todo"},
        ],
        "nodes": [
            {"label": "paris-a", "icon": "cloud", "badge": "2", "children": _hosts()},
            {
                "label": "lyon-b",
                "icon": "cloud",
                "is_closed": True,
                "children": [{"label": "pve-09", "icon": "server", "url": "#tree"}],
            },
        ],
        "changes": [
            {"label": "memory", "before": "4096 MiB", "after": "8192 MiB"},
            {"label": "tags", "before": None, "after": "production"},
            {"label": "hold", "before": "until Monday", "after": None},
        ],
        "machines": [
            {"name": "web-04", "address": "10.20.4.43", "state": "running", "owner": "A. Morel"},
            {
                "name": "db-01",
                "address": "10.20.4.11",
                "state": "provisioning",
                "owner": "K. Diallo",
            },
            {"name": "lab-02", "address": "10.50.9.2", "state": "error", "owner": "A. Morel"},
        ],
    }


def _hosts() -> list[dict[str, Any]]:
    return [
        {
            "label": "pve-03",
            "icon": "server",
            "url": "#tree",
            "children": [
                {"label": "web-04", "icon": "monitor", "url": "#tree", "is_current": True},
                {"label": "db-01", "icon": "monitor", "url": "#tree"},
            ],
        },
        {"label": "pve-04", "icon": "server", "url": "#tree"},
    ]


def _history() -> dict[str, Any]:
    now = clock.now()
    began = now - timedelta(minutes=3)
    states = ("completed", "running", "waiting", "failed", "canceled", "skipped", "pending")
    names = ("Clone", "Configure", "Approve", "Check", "Notify", "Scan", "Ready")
    steps = [
        {
            "label": name,
            "status": state,
            "detail": "1 of 6" if state == "running" else "",
            "started_at": None if state in {"pending", "skipped"} else began,
            "finished_at": began + timedelta(seconds=72) if state != "running" else None,
        }
        for name, state in zip(names, states, strict=True)
    ]
    told = (
        ("loader-circle", "info", "web-04", "clones the disk of its template", 2),
        ("siren", "danger", "Storage", "answers slower than it should", 18),
        ("circle-check", "ok", "Release 4.11", "is on six machines", 64),
        ("bell-ring", "violet", "On call", "handed over to Amélie Morel", 300),
        ("gauge", "warn", "Memory quota", "at 94%", 420),
    )
    entries = [
        {
            "icon": icon,
            "tone": tone,
            "title": title,
            "text": text,
            "at": now - timedelta(minutes=minutes),
        }
        for icon, tone, title, text, minutes in told
    ]
    return {"operation_steps": steps, "entries": entries}


def figures(name: str) -> dict[str, Any]:
    """Three hours of figures, a minute each, with a gap; none for a name nobody knows."""
    times = [_BEGIN_S + _STEP_S * index for index in range(_POINTS)]
    if name == "cpu":
        rows = {"CPU": [34 + 22 * sin(index / 17) + 4 * sin(index) for index in range(_POINTS)]}
    elif name == "network":
        rows = {
            "In": [2.4 + 1.8 * sin(index / 11) for index in range(_POINTS)],
            "Out": [1.2 + 0.9 * sin(index / 7) for index in range(_POINTS)],
        }
    else:
        return {"times": [], "series": []}
    series = [
        {
            "label": label,
            "values": [None if at in _GAP else round(value, 2) for at, value in enumerate(values)],
        }
        for label, values in rows.items()
    ]
    return {"times": times, "series": series}
