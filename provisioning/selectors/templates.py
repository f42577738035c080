"""Templates as tenants see them."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from provisioning.models import Template, TemplateCopy
from provisioning.permissions import Permission

SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")


def template_list(*, actor: Actor) -> QuerySet[Template]:
    """Active templates with a place on an active cluster, in their order."""
    authorize(actor, Permission.TEMPLATES_VIEW)
    copies = TemplateCopy.objects.filter(
        template=OuterRef("pk"), is_active=True, cluster__is_active=True
    )
    offered = Q(cluster__is_active=True) | Exists(copies)
    return Template.objects.filter(offered, is_active=True).select_related("cluster")


def template_get(*, actor: Actor, code: str) -> Template:
    """One active template. Raises NotFound."""
    offered = template_list(actor=actor)
    template = offered.filter(code=code).first() if SLUG.fullmatch(code) else None
    if template is None:
        raise NotFound(
            gettext("There is no template “%(code)s”.") % {"code": code[:60]}, field="template"
        )
    return template
