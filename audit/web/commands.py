"""What the audit offers in the palette."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from audit.permissions import Permission
from portal.kernel.commands import Command

COMMANDS: Final = (
    Command(
        key="audit.refused",
        label=_("What was refused lately"),
        sub=_("in the audit"),
        icon="shield-alert",
        permission=Permission.AUDIT_VIEW,
        url="/audit?outcome=refused",
        keywords=("audit denied", "refus"),
        order=120,
    ),
    Command(
        key="audit.export",
        label=_("Export the audit"),
        sub="CSV",
        icon="download",
        permission=Permission.AUDIT_EXPORT,
        url="/api/audit?format=csv",
        order=122,
    ),
)
