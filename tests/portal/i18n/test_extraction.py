"""What counts as a string to translate, and what is wrong with a translation."""

from __future__ import annotations

import polib
import pytest

from portal.logic.catalogue import catalogue_faults, catalogue_updated, entry_faults
from portal.logic.extraction import Extract, Message, python_messages, template_messages

NB = "\N{NO-BREAK SPACE}"


def of_python(source: str) -> Extract:
    found = Extract()
    python_messages(f"from django.utils.translation import *\n{source}", "x.py", found)
    return found


def of_template(source: str) -> set[Message]:
    found = Extract()
    template_messages(source, "x.html", found)
    return set(found.places)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("from django.utils.translation import gettext as _\n_('One')", Message("One")),
        ("from django.utils.translation import gettext_lazy\ngettext_lazy('a' 'b')", Message("ab")),
        (
            "from django.utils.translation import ngettext as n\nn('one', 'many', 2)",
            Message("one", plural="many"),
        ),
        (
            "from django.utils.translation import pgettext\npgettext('here', 'One')",
            Message("One", "here"),
        ),
        ("from django.utils import translation\ntranslation.gettext('One')", Message("One")),
        (
            "from portal.kernel.stored_text import stored_text\nstored_text('Gone: %(a)s', a=1)",
            Message("Gone: %(a)s", "stored"),
        ),
    ],
)
def test_calls_are_found_under_any_name(source: str, message: Message) -> None:
    found = Extract()
    python_messages(source, "x.py", found)
    assert set(found.places) == {message}


def test_a_string_that_is_put_together_is_told() -> None:
    found = Extract()
    source = "from django.utils.translation import gettext\ngettext(f'{1} machines')"
    python_messages(source, "x.py", found)
    assert found.faults == ["x.py:2: a translated string must be a constant"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{% translate "One" %}', Message("One")),
        ('{% translate "One" context "here" as x %}', Message("One", "here")),
        ('<c-card title="{% translate "50 %" %}">', Message("50 %%")),
        ('{% include "a.html" with label=_("One") %}', Message("One")),
        ("<c-card :title=\"_('One')\">", Message("One")),
        (
            "{% blocktranslate trimmed with n=a %}\n  {{ n }}\n  %\n{% endblocktranslate %}",
            Message("%(n)s %%"),
        ),
        (
            "{% blocktranslate count n=a %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}",
            Message("%(n)s row", plural="%(n)s rows"),
        ),
    ],
)
def test_templates_are_read_as_django_reads_them(source: str, message: Message) -> None:
    assert of_template(source) == {message}


def test_comments_are_not_read() -> None:
    assert of_template('{% comment %}{% translate "One" %}{% endcomment %}{# _("Two") #}') == set()


def french(text: str, words: str) -> list[str]:
    return entry_faults(polib.POEntry(msgid=text, msgstr=words))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Why?", f"Pourquoi{NB}?"),
        ("%(n)s%%", f"%(n)s{NB}%%"),
        ("at 14:05", "à 14:05"),
        ("“%(n)s”", f"«{NB}%(n)s{NB}»"),
        ("the machine's", "de l’hôte"),
        ("see https://uhub.example/?a=b", "voir https://uhub.example/?a=b"),
    ],
)
def test_good_french_passes(text: str, words: str) -> None:
    assert french(text, words) == []


@pytest.mark.parametrize(
    ("text", "words", "fault"),
    [
        ("Why?", "", "not translated"),
        ("Why?", "Pourquoi ?", "the space before ; : ! ? » % € is a no-break one"),
        ("Why?", "Pourquoi?", "; ! ? stand behind a no-break space"),
        ("Name:", "Nom:", ": stands behind a no-break space"),
        ("Wait...", "Attendez...", "three dots are …"),
        ("the host's", "l'hôte", "an apostrophe is ’"),
        ("%(n)s rows", "%(m)s lignes", "other places than the English words"),
        (" row", "ligne", "other spaces at the ends than the English words"),
    ],
)
def test_bad_french_is_told(text: str, words: str, fault: str) -> None:
    assert french(text, words) == [fault]


def test_a_plural_needs_all_its_forms() -> None:
    entry = polib.POEntry(
        msgid="%(n)s row", msgid_plural="%(n)s rows", msgstr_plural={0: "%(n)s ligne", 1: ""}
    )
    assert entry_faults(entry) == ["not translated"]


def test_the_catalogue_follows_the_sources() -> None:
    old = polib.POFile()
    old.append(polib.POEntry(msgid="Kept", msgstr="Gardé"))
    old.append(polib.POEntry(msgid="Gone", msgstr="Parti"))
    found = of_python("gettext('Kept')")
    found.add(Message("Kept"), "b.html")
    found.add(Message("New"), "a.html")
    new = catalogue_updated(old, found)
    assert [(entry.msgid, entry.msgstr) for entry in new] == [("Kept", "Gardé"), ("New", "")]
    assert catalogue_faults(new, found) == ["not translated: 'New'"]
    assert catalogue_faults(old, found) == ["not in the catalogue: 'New'", "used nowhere: 'Gone'"]
