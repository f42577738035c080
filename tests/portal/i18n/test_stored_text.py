"""Texts of rows: English in the row, the reader's language on the page."""

from __future__ import annotations

import pytest
from django.utils import translation

from portal.kernel.stored_text import stored_text, told_text, translated

GONE = "The template has no disk %(disk)s."


def test_what_is_stored_is_english_whoever_asks() -> None:
    with translation.override("fr"):
        assert stored_text(GONE, disk="scsi0") == "The template has no disk scsi0."


@pytest.mark.parametrize(
    ("text", "french"),
    [
        ("The template has no disk scsi0.", "Le modèle n’a pas de disque scsi0."),
        ("The deployment does not exist any more.", "Le déploiement n’existe plus."),
        ("VMID 20001 was taken", "Le VMID 20001 était pris"),
        ("4 h, deletion: Ada", "4 h, suppression\N{NO-BREAK SPACE}: Ada"),
        (
            "Cluster a cannot be asked: it cannot be listed since 12:00 UTC",
            (
                "Le cluster a ne peut pas être interrogé\N{NO-BREAK SPACE}: "
                "aucun relevé possible depuis 12:00 UTC"
            ),
        ),
        ("what nobody registered", "what nobody registered"),
        ("", ""),
    ],
)
def test_a_french_reader_reads_french(text: str, french: str) -> None:
    with translation.override("fr"):
        assert translated(text) == french


def test_an_english_reader_reads_what_is_stored() -> None:
    assert translated("VMID 20001 was taken") == "VMID 20001 was taken"


def test_who_is_there_now_is_told_at_once() -> None:
    with translation.override("fr"):
        assert told_text("at most %(free)s free") % {"free": 3} == "3 libres au plus"
