"""What the platform itself does, periodically or when asked, and what of its configuration django-auditlog follows."""

from __future__ import annotations

from typing import Any

from auditlog.registry import auditlog
from auditlog.signals import pre_log
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.events import OperationEnded
from portal.kernel import events, scope
from portal.kernel.queue import (
    OperationKind,
    Schedule,
    Step,
    register_operation,
    register_schedule,
)
from portal.kernel.tenancy import PLATFORM
from portal.models import Membership, Role, Setting, User
from portal.services.cleanup import CLEANUP, CLEANUP_EVERY_S, cleanup
from portal.services.mail import MAIL_SEND, mail_failed, mail_send
from portal.services.operation_notices import notice_kinds_register, operation_ended
from portal.services.schedules import SWEEP
from portal.services.sweeps import sweep

MAIL = OperationKind(
    type=MAIL_SEND,
    label=_("Send a mail"),
    queue="webhooks",
    steps=(Step("send", _("Send"), mail_send),),
    max_attempts=10,
    backoff_base_s=5.0,
    backoff_cap_s=900.0,
    on_failure=mail_failed,
)


def _is_edited_by_staff(**_signal: Any) -> bool:
    """Only edits through the platform role are followed: the runtime role has no say in that table."""
    return scope.alias.get() == PLATFORM


def register() -> None:
    """Makes the engine's own schedule known, and which models' fields are followed."""
    pre_log.connect(_is_edited_by_staff, dispatch_uid="portal.is_edited_by_staff")
    unseen = ["last_login", "created_at", "updated_at", "known_permissions"]
    auditlog.register(User, exclude_fields=unseen[:3], mask_fields=["password"])
    auditlog.register(Role, exclude_fields=unseen[1:])
    auditlog.register(Membership, exclude_fields=unseen[1:3])
    auditlog.register(Setting, exclude_fields=unseen[1:3])
    register_operation(MAIL)
    notice_kinds_register()
    events.subscribe(OperationEnded, operation_ended)
    every_s: int = settings.ENGINE["SWEEP_S"]
    register_schedule(Schedule(SWEEP, _("Recover lost operations"), every_s, sweep))
    register_schedule(Schedule(CLEANUP, _("Remove what has expired"), CLEANUP_EVERY_S, cleanup))
