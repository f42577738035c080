"""Errors of the money side."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.kernel.errors import Conflict


class QuotaExceeded(Conflict):
    """The tenant has not enough left; `data["verdicts"]` says per dimension limit, used and requested."""

    code = "quota_exceeded"
    default_message = _("The quota of your organisation does not allow this.")
