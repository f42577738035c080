"""Mail as an operation: outbox, at least once with one Message-ID, its end told to whoever asked."""

from __future__ import annotations

import smtplib
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import transaction

from portal.events import MailDelivered, MailUndelivered
from portal.kernel import events, queue
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, User
from portal.services.mail import MailReference, mail_enqueue
from portal.services.settings import setting_change
from tests.conftest import World
from tests.engine import run_until_idle

TEMPLATE = "tests/mail.txt"
WORDS = "Hello {{ name }} of {{ brand_name }}\n\nFirst.\n\nSecond & last: {{ public_url }}\n"


@pytest.fixture(autouse=True)
def _template(settings: Any) -> None:
    loaders = [
        (
            "django.template.loaders.locmem.Loader",
            {TEMPLATE: "{% autoescape off %}" + WORDS + "{% endautoescape %}"},
        ),
        "django.template.loaders.filesystem.Loader",
    ]
    engine = settings.TEMPLATES[0]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was published about mails."""
    heard: list[Any] = []
    for kind in (MailDelivered, MailUndelivered):
        monkeypatch.setitem(events._subscribers, kind, [heard.append])
    return heard


def asked(world: World, **changes: Any) -> Operation:
    """A mail to the support agent, committed."""
    person: User = world.people["support"]
    for name, value in changes.items():
        setattr(person, name, value)
    with tenant_scope(world.north.pk), transaction.atomic():
        return mail_enqueue(
            actor=Actor.system("test"),
            recipient=person,
            template=TEMPLATE,
            values={"name": "World"},
            reference=MailReference("thing", uuid4()),
        )


def broken(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> list[Any]:
    """A mail server that answers with these errors, then takes mails."""
    waiting, taken = list(errors), []

    def send(message: Any, *_: Any) -> int:
        if waiting:
            raise waiting.pop(0)
        taken.append(message)
        return 1

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", send)
    return taken


def test_a_mail_is_text_with_an_html_twin(world: World) -> None:
    operation = asked(world)
    run_until_idle()
    sent = mail.outbox[0]
    assert isinstance(sent, mail.EmailMultiAlternatives)
    assert (sent.subject, sent.from_email) == ("Hello World of uHub", "uHub <uhub@localhost>")
    assert sent.body == "First.\n\nSecond & last: http://127.0.0.1:8000\n"
    assert sent.extra_headers["Message-ID"] == f"<{operation.pk}@localhost>"
    html = str(sent.alternatives[0][0])
    assert "<p>First.</p>" in html
    assert "Second &amp; last" in html


def test_a_mail_bears_the_name_of_the_installation(world: World) -> None:
    setting_change(actor=Actor.system("test"), name="platform.brand_name", value="Nova, Ltd")
    asked(world)
    run_until_idle()
    assert mail.outbox[0].from_email == '"Nova, Ltd" <uhub@localhost>'
    assert mail.outbox[0].subject == "Hello World of Nova, Ltd"


@pytest.mark.parametrize("name", ["Zoé, née LEROY", 'Ann "X" <x@y>', "Two\nBcc: all@example.org"])
def test_any_name_is_a_name_and_nothing_else(world: World, name: str) -> None:
    asked(world, display_name=name)
    run_until_idle()
    sent = mail.outbox[0].message()
    ((shown, address),) = getaddresses([str(sent["To"])])
    assert address == "support-north@uhub.local"
    assert str(make_header(decode_header(shown))) == " ".join(name.split())
    assert "Bcc" not in sent


def test_a_change_that_is_rolled_back_sends_nothing(world: World) -> None:
    with tenant_scope(world.north.pk), transaction.atomic():
        mail_enqueue(
            actor=Actor.system("test"),
            recipient=world.people["support"],
            template=TEMPLATE,
            values={},
            reference=MailReference("thing", uuid4()),
        )
        transaction.set_rollback(True)
    run_until_idle()
    assert mail.outbox == []
    assert not Operation.across_tenants.exists()


def test_the_end_is_told_with_the_reference(world: World, told: list[Any]) -> None:
    operation = asked(world)
    run_until_idle()
    assert [(type(one), one.reference_id, one.to) for one in told] == [
        (MailDelivered, operation.target_id, "support-north@uhub.local")
    ]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("down"),
        TimeoutError("slow"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPRecipientsRefused({"a@b": (451, b"later")}),
    ],
)
def test_a_mail_is_tried_again_with_the_same_id(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    taken = broken(monkeypatch, error)
    operation = asked(world)
    run_until_idle()
    stored = Operation.across_tenants.get(pk=operation.pk)
    assert (stored.status, stored.attempts) == ("completed", 2)
    assert [one.extra_headers["Message-ID"] for one in taken] == [f"<{operation.pk}@localhost>"]


def test_an_address_that_is_refused_for_good_is_not_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, told: list[Any]
) -> None:
    broken(monkeypatch, smtplib.SMTPRecipientsRefused({"a@b": (550, b"no such user")}))
    operation = asked(world)
    run_until_idle()
    stored = Operation.across_tenants.get(pk=operation.pk)
    assert (stored.status, stored.attempts) == ("failed", 1)
    assert [(type(one), one.reason) for one in told] == [
        (MailUndelivered, "The mail server refuses this address.")
    ]


def test_a_mail_that_never_goes_is_dead_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, told: list[Any]
) -> None:
    kind = replace(queue.operation_kind("mail.send"), max_attempts=2)
    monkeypatch.setitem(queue._kinds, "mail.send", kind)
    broken(monkeypatch, *[OSError("down")] * 5)
    operation = asked(world)
    run_until_idle()
    stored = Operation.across_tenants.get(pk=operation.pk)
    assert (stored.status, stored.attempts) == ("dead", 2)
    assert [type(one) for one in told] == [MailUndelivered]


def test_a_subject_is_one_line(world: World) -> None:
    with tenant_scope(world.north.pk), transaction.atomic():
        operation = mail_enqueue(
            actor=Actor.system("test"),
            recipient=world.people["support"],
            template=TEMPLATE,
            values={"name": "x" * 400},
            reference=MailReference("thing", uuid4()),
        )
    assert len(operation.payload["subject"]) == 200
