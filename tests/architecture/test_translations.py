"""No half-translated page: every string is in the catalogue, and no page shows an English one in French."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.admin import site
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import translation
from django.utils.functional import Promise

from portal.kernel.tenancy import tenant_scope
from portal.logic import catalogue
from portal.management.commands.messages import catalogue_path, extract_all
from portal.models import Operation
from portal.services.mail import MailReference, mail_enqueue
from provisioning.models import Deployment
from tests.architecture.routes import kind_of, routes
from tests.architecture.scene import Scene
from tests.architecture.test_access import call, expected_denial, scene
from tests.architecture.unmarked import APPS, python_sentences, template_texts

__all__ = ["scene"]
FRENCH = {"accept-language": "fr"}
READ_ALOUD = ("aria-label", "aria-description", "title", "placeholder", "alt")
QUOTED = frozenset({"code", "pre", "script", "style", "kbd", "time", "textarea"})
SAMPLES = "/ui"
"""The gallery of components shows samples of text; what surrounds them is translated."""
LEAST_WORDS = 2
AS_STORED = frozenset(
    {"Administrator", "Project lead", "Developer", "Operations", "Viewer", "settings"}
)
"""Roles and categories in the administration: there they are shown as they are stored, elsewhere translated."""


KEYS = frozenset({"deployments", "name", "node", "template"})
"""Names of values in an entry of the audit, as they were written down."""


class Page(HTMLParser):
    """What a person reads or hears of a page: text and speaking attributes, by where they stand."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language = ""
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "html":
            self.language = values.get("lang") or ""
        self.texts += [values[name] or "" for name in READ_ALOUD if values.get(name)]
        told = [text for name, text in attrs if name.startswith("data-") and text]
        self.texts += [text for text in told if " " in text or text.istitle()]
        if tag in QUOTED or "material-symbols" in (values.get("class") or ""):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.texts.append(data)


@dataclass(frozen=True)
class Words:
    """The texts of one language: whole ones, and those with places that say enough around them."""

    whole: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    def has(self, text: str) -> bool:
        return text in self.whole or any(pattern.fullmatch(text) for pattern in self.patterns)


@cache
def _words() -> tuple[Words, Words]:
    """English that reads otherwise in French, and all French."""
    pairs = [
        pair
        for entry in catalogue.catalogue_read(catalogue_path())
        for pair in catalogue.pairs_of(entry)
    ]
    return _index(e for e, f in pairs if e != f), _index(f for _, f in pairs)


def _index(texts: Iterable[str]) -> Words:
    whole, patterns = set(), []
    for text in texts:
        parts = re.split(r"%\(\w+\)0?\d*[sd]|\{\w*\}", text.replace("%%", "%"))
        if len(parts) == 1:
            whole.add(_plain(text))
        elif len(re.findall(r"[^\W\d_]{2,}", " ".join(parts))) >= LEAST_WORDS:
            expression = ".{1,80}?".join(re.escape(part) for part in parts)
            patterns.append(re.compile(re.sub(r"(\\?\s)+", r"\\s+", expression).strip()))
    return Words(frozenset(whole), tuple(patterns))


def _plain(text: str) -> str:
    return " ".join(text.split())


def left_in_english(texts: list[str]) -> set[str]:
    english, french = _words()
    plain = {_plain(text) for text in texts if text.strip()}
    return {text for text in plain if english.has(text) and not french.has(text)}


def test_the_catalogue_is_complete() -> None:
    known = catalogue.catalogue_read(catalogue_path())
    assert catalogue.catalogue_faults(known, extract_all()) == []


def test_the_catalogue_is_written_the_same_by_everybody() -> None:
    path = catalogue_path()
    made = catalogue.catalogue_updated(catalogue.catalogue_read(path), extract_all())
    assert str(made).strip() == path.read_text(encoding="utf-8").strip()


def test_templates_mark_what_they_say() -> None:
    assert list(template_texts()) == []


def test_code_marks_what_it_says() -> None:
    assert list(python_sentences()) == []


@pytest.mark.parametrize("persona", ["anonymous", "viewer", "ops", "admin"])
def test_no_page_is_half_translated(scene: Scene, persona: str) -> None:
    _make_telling(scene)
    client = scene.client(persona)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
    found: dict[str, Any] = {}
    count = 0
    for route in routes():
        is_page = route.method == "get" and not route.is_api and route.path != SAMPLES[1:]
        if not is_page or kind_of(route) in {"healthz", "readyz", "metrics", "live"}:
            continue
        answer = call(client, scene, route, persona)
        if "html" not in answer.get("Content-Type", "") or answer.status_code in {301, 302}:
            continue
        count += 1
        page = Page(answer.content.decode())
        if page.language not in {"fr", ""} or answer["Content-Language"] != "fr":
            found[f"{route} speaks"] = (page.language, answer["Content-Language"])
        if left := left_in_english(page.texts) - (KEYS if kind_of(route) == "audit" else set()):
            found[f"{route} {answer.status_code} {expected_denial(persona, route) or ''}"] = left
    assert found == {}, _listed(found)
    assert count >= (1 if persona == "anonymous" else 15)


def test_no_page_of_the_administration_is_half_translated(scene: Scene) -> None:
    client = _staff(scene)
    found = {}
    pages = _admin_pages(client)
    for path in pages:
        answer = client.get(path, headers=FRENCH)
        if answer.status_code == 200 and (
            left := left_in_english(Page(answer.content.decode()).texts) - AS_STORED
        ):
            found[path] = left
    assert found == {}, _listed(found)
    assert len(pages) > 15


def test_columns_of_the_administration_have_words() -> None:
    bare = set()
    for model, staff_page in site._registry.items():
        if model._meta.app_label not in APPS:
            continue
        shown = {
            name
            for name in (*staff_page.list_display, *(staff_page.fields or ()))
            if isinstance(name, str)
        }
        form = getattr(staff_page.form, "_meta", None)
        shown |= set(getattr(form, "fields", None) or ())
        for field in model._meta.fields:
            if field.name in shown and not isinstance(field.verbose_name, Promise):
                bare.add(f"{model.__name__}.{field.name}")
    assert bare == set()


def test_no_mail_is_half_translated(scene: Scene) -> None:
    person = scene.world.people["support"]
    person.language, person.email = "fr", "support@example.org"
    person.save(using="platform")
    with tenant_scope(scene.world.north.pk), transaction.atomic(), translation.override("en"):
        deployment = Deployment.objects.select_related("owner", "tenant").get(
            pk=scene.deployment.pk
        )
        for is_deletion in (False, True):
            operation = mail_enqueue(
                actor=scene.world.actor("ops"),
                recipient=person,
                template="provisioning/mail/lease_warning.txt",
                values={
                    "deployment": deployment,
                    "tenant": deployment.tenant,
                    "is_deletion": is_deletion,
                    "is_owner": is_deletion,
                    "ends_at": deployment.expires_at,
                    "url": "https://uhub.example/",
                },
                reference=MailReference("tests", deployment.pk),
                tenant_id=deployment.tenant_id,
            )
            lines = [operation.payload["subject"], *operation.payload["text"].split("\n")]
            assert left_in_english(lines) == set()
            assert lines[2].startswith("Bonjour ") or lines[1].startswith("Bonjour ")
            assert 'lang="fr"' in operation.payload["html"]
    assert mail.outbox == []


def _make_telling(scene: Scene) -> None:
    """A machine and an operation that say what went wrong, as workers write it: in English."""
    platform = Deployment.objects.using("platform").filter(pk=scene.deployment.pk)
    attention = {
        "code": "restart_needed",
        "message": "Processor and memory change at the next restart.",
        "command": "",
    }
    platform.update(attention=attention)
    Operation.objects.using("dispatch").filter(pk=scene.operation.pk).update(
        last_error="The deployment does not exist any more."
    )


def _listed(found: dict[str, Any]) -> str:
    return "\n".join(f"{place}: {sorted(left)}" for place, left in found.items())


def _staff(scene: Scene) -> Client:
    person = scene.world.people["admin"]
    person.is_staff = person.is_platform_admin = True
    person.language = "fr"
    person.save(using="platform")
    client = Client()
    client.force_login(person)
    return client


def _admin_pages(client: Client) -> list[str]:
    """The lists and the empty forms that the administration's first page leads to."""
    first = client.get("/admin/", headers=FRENCH).content.decode()
    return sorted(set(_links(first)))


def _links(html: str) -> Iterator[str]:
    yield "/admin/"
    for path in re.findall(r'href="(/admin/[a-z_/-]*)"', html):
        if "logout" not in path and "password" not in path:
            yield path
