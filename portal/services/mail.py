"""Mail as an operation: written in the transaction of what it tells, sent at least once, its end on record.

A mail is rendered when it is asked for, in its reader's language and zone. Its Message-ID is the operation's
id, so that what had to be sent twice is one mail to whoever reads it.
"""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from portal.events import MailDelivered, MailUndelivered
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.queue import Complete, Failure, StepContext, StepFailed, StepResult, StepRetry
from portal.kernel.stored_text import stored_text
from portal.models import Operation, User
from portal.services.operations import operation_enqueue
from portal.services.preferences import person_language, person_zone
from portal.services.settings import setting_get

MAIL_SEND: Final = "mail.send"
_HEADER_LENGTH = 200
_PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True)
class MailReference:
    """What a mail is about: whoever asked for it hears of its end by this."""

    type: str
    id: UUID


def mail_enqueue(
    *,
    actor: Actor,
    recipient: User,
    template: str,
    values: Mapping[str, Any],
    reference: MailReference,
    tenant_id: UUID | None = None,
) -> Operation:
    """Writes a mail to a person in the open transaction; a worker sends it when that commits.

    `template` is a text template whose first line is the subject. It sees `values` and `brand_name`,
    `recipient`, `public_url`. `MailDelivered` or `MailUndelivered` follows with the reference.
    """
    brand = str(setting_get("platform.brand_name"))
    public = {"brand_name": brand, "public_url": settings.PUBLIC_URL}
    seen = {**values, **public, "recipient": recipient}
    with (
        translation.override(person_language(recipient)),
        timezone.override(person_zone(recipient)),
    ):
        subject, _, text = render_to_string(template, seen).strip().partition("\n")
        text = text.strip() + "\n"
        html = render_to_string(
            "portal/mail.html",
            {
                **public,
                "language": translation.get_language(),
                "subject": subject,
                "text": text,
            },
        )
    return operation_enqueue(
        actor=actor,
        type=MAIL_SEND,
        tenant_id=tenant_id,
        target_type=reference.type,
        target_id=reference.id,
        payload={
            "to": recipient.email,
            "name": _one_line(str(recipient)),
            "sender": _one_line(brand),
            "subject": _one_line(subject),
            "text": text,
            "html": html,
            "reference": {"type": reference.type, "id": str(reference.id)},
        },
    )


def mail_send(ctx: StepContext) -> StepResult:
    """Hands the mail to the mail server, then tells whoever asked for it."""
    payload = ctx.payload
    message_id = mail_message_id(ctx.operation_id)
    message = EmailMultiAlternatives(
        subject=payload["subject"],
        body=payload["text"],
        from_email=formataddr((payload["sender"], settings.DEFAULT_FROM_EMAIL)),
        to=[formataddr((payload["name"], payload["to"]))],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(payload["html"], "text/html")
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        if all(code in _PERMANENT for code in codes):
            raise StepFailed(
                stored_text("The mail server refuses this address."), code="refused"
            ) from error
        raise StepRetry(stored_text("The mail server does not take this address now.")) from error
    except (smtplib.SMTPException, OSError) as error:
        raise StepRetry(
            stored_text(
                "The mail server did not take the mail (%(error)s).", error=type(error).__name__
            ),
            code="mail_server",
        ) from error
    reference = _reference(ctx)
    with transaction.atomic():
        events.publish(MailDelivered(reference.type, reference.id, payload["to"], clock.now()))
    return Complete({"message_id": message_id})


def mail_failed(ctx: StepContext, failure: Failure) -> None:
    """Tells whoever asked for the mail that it will not be sent by itself any more."""
    reference = _reference(ctx)
    events.publish(
        MailUndelivered(reference.type, reference.id, ctx.payload["to"], failure.message)
    )


def mail_message_id(operation_id: UUID) -> str:
    """The Message-ID of the mail an operation sends."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{operation_id}@{domain}>"


def _one_line(text: str) -> str:
    """What may stand in a header."""
    return " ".join(text.split())[:_HEADER_LENGTH]


def _reference(ctx: StepContext) -> MailReference:
    reference = ctx.payload["reference"]
    return MailReference(reference["type"], UUID(reference["id"]))
