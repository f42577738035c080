"""The grammar of lines, against the commands that the apps register."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from portal.kernel.commands import Command, all_commands
from portal.logic.command_line import Parsed, parsed

UNDERSTOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("extend web-04 by 24 h", "extend", {"machine": "web-04", "hours": 24}),
    ("extend web-04 by 24h", "extend", {"machine": "web-04", "hours": 24}),
    ("EXTEND the web-04 FOR 1 d 12 h", "extend", {"machine": "web-04", "hours": 36}),
    ("extend by 2 weeks web-04", "extend", {"machine": "web-04", "hours": 336}),
    ("prolonge web-04 de 3 j", "extend", {"machine": "web-04", "hours": 72}),
    ("prolonger web-04 pendant 2 semaines", "extend", {"machine": "web-04", "hours": 336}),
    ("prolonger web-04 de 1,5 jours", "extend", {"machine": "web-04", "hours": 36}),
    ("extend web-04 by -4 h", "extend", {"machine": "web-04", "hours": -4}),
    ('extend "24h" by 24 h', "extend", {"machine": "24h", "hours": 24}),
    (
        "extend web-04 by 9 w because the audit is on Friday",
        "extend",
        {"machine": "web-04", "hours": 1512, "reason": "the audit is on Friday"},
    ),
    ("raccourcir web-04 de 4 h", "shorten", {"machine": "web-04", "hours": 4}),
    ("stop web-04", "stop", {"machine": "web-04"}),
    ("arrête web-04", "stop", {"machine": "web-04"}),
    ("arreter web-04", "stop", {"machine": "web-04"}),
    ("shut down web-04", "stop", {"machine": "web-04"}),
    ("démarrer la web-04", "start", {"machine": "web-04"}),
    ("éteins web-04", "power-off", {"machine": "web-04"}),
    ("supprimer web-04", "delete", {"machine": "web-04"}),
    (
        "resize web-04 4 cpu 8 gb",
        "resize",
        {"machine": "web-04", "cpu_cores": 4, "memory_mb": 8192},
    ),
    (
        "redimensionne web-04 4 cœurs 8 go de mémoire et disque 40 go",
        "resize",
        {"machine": "web-04", "cpu_cores": 4, "memory_mb": 8192, "disk_gb": 40},
    ),
    ("resize web-04 1.5 gb ram", "resize", {"machine": "web-04", "memory_mb": 1536}),
    (
        "resize web-04 4 gb disk 40 gb",
        "resize",
        {"machine": "web-04", "memory_mb": 4096, "disk_gb": 40},
    ),
    (
        "resize web-04 8 gb ram 40 gb disk",
        "resize",
        {"machine": "web-04", "memory_mb": 8192, "disk_gb": 40},
    ),
    (
        "resize web-04 disk 40 gb ram 8 gb",
        "resize",
        {"machine": "web-04", "memory_mb": 8192, "disk_gb": 40},
    ),
    ("resize web-04 40 gb of disk", "resize", {"machine": "web-04", "disk_gb": 40}),
    (
        "new linux-utility named x for 3 d",
        "create",
        {"template": "linux-utility", "name": "x", "ttl_hours": 72},
    ),
    ("back up web-04", "backup", {"machine": "web-04"}),
    (
        "sauvegarde web-04 car la mise à jour approche",
        "backup",
        {"machine": "web-04", "reason": "la mise à jour approche"},
    ),
    ("take a snapshot of web-04", "snapshot", {"machine": "web-04"}),
    ("instantané web-04 nommé avant", "snapshot", {"machine": "web-04", "name": "avant"}),
    (
        "nouveau linux-utility nommé x pour 3 jours 4 cpu",
        "create",
        {"template": "linux-utility", "name": "x", "ttl_hours": 72, "cpu_cores": 4},
    ),
]
NOT_UNDERSTOOD: list[tuple[str, dict[str, Any], dict[str, list[str]]]] = [
    ("extend web-04 by 24", {"machine": "web-04"}, {"unknown": ["by 24"]}),
    ("extend web-04 24 bananas", {"machine": "web-04"}, {"unknown": ["24", "bananas"]}),
    ("extend web-04 by 24 h please", {"machine": "web-04", "hours": 24}, {"unknown": ["please"]}),
    ("extend web-04 by 24 h by 2 d", {"machine": "web-04", "hours": 24}, {"twice": ["hours"]}),
    ("extend web-04 by 0.3 h", {"machine": "web-04"}, {"uneven": ["hours"]}),
    ("extend web-04 by 999999999 w", {"machine": "web-04"}, {"uneven": ["hours"]}),
    ("stop web-04 web-05", {"machine": "web-04"}, {"unknown": ["web-05"]}),
    ("resize web-04 4 gb 8 gb", {"machine": "web-04", "memory_mb": 12_288}, {}),
    ("stop web-04; drop table x", {"machine": "web-04;"}, {"unknown": ["drop", "table", "x"]}),
    ("stop <script>alert(1)</script>", {"machine": "<script>alert(1)</script>"}, {}),
    ("stop web-04 " + "9" * 400, {"machine": "web-04"}, {"unknown": ["9" * 188]}),
    ("stop\x00\u202eweb-04", {"machine": "web-04"}, {}),
]


def read(line: str) -> Parsed:
    found = parsed(line, all_commands())
    assert found is not None
    return found


@pytest.mark.parametrize(("line", "key", "values"), UNDERSTOOD, ids=lambda one: str(one)[:40])
def test_a_line_is_understood(line: str, key: str, values: dict[str, Any]) -> None:
    found = read(line)
    assert (found.command.key, found.values) == (f"deployment.{key}", values)
    assert found.is_complete


@pytest.mark.parametrize(
    ("line", "values", "told"), NOT_UNDERSTOOD, ids=[one[0][:30] for one in NOT_UNDERSTOOD]
)
def test_what_fits_nothing_is_told(
    line: str, values: dict[str, Any], told: dict[str, list[str]]
) -> None:
    found = read(line)
    assert found.values == values
    said = {name: getattr(found, name) for name in ("unknown", "twice", "uneven")}
    assert {name: parts for name, parts in said.items() if parts} == told


@pytest.mark.parametrize("line", ["", "web-04", "stopp web-04", "ext", "> stop", "\x00", "é" * 300])
def test_other_lines_are_no_commands(line: str) -> None:
    assert parsed(line, all_commands()) is None


def test_what_is_missing_is_known() -> None:
    assert [one.name for one in read("extend").missing] == ["machine", "hours"]
    assert [one.name for one in read("extend web-04").missing] == ["hours"]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    "command", [one for one in all_commands() if one.phrases], ids=lambda one: one.key
)
def test_the_words_typed_for_people_mean_the_command(command: Command, language: str) -> None:
    with translation.override(language):
        found = parsed(str(command.phrase), all_commands())
        assert found is not None
        assert found.command.key == command.key
        joints = {word for one in command.parameters for word in one.after}
        assert not command.joint or str(command.joint) in joints
        for parameter in command.parameters:
            for example in parameter.examples:
                more = parsed(f"{command.phrase} x {example}", all_commands())
                assert more is not None
                assert more.is_complete, f"{command.phrase} x {example}"
