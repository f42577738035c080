"""The side bar of Django admin: what platform administrators edit, and what they look at."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _item(title: str | Promise, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link}


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": _("People"),
        "items": [
            _item(_("Users"), "person", "/admin/portal/user/"),
            _item(_("Roles"), "badge", "/admin/portal/role/"),
            _item(_("Memberships"), "groups", "/admin/portal/membership/"),
            _item(_("Teams"), "diversity_3", "/admin/portal/team/"),
        ],
    },
    {
        "title": _("Organisations"),
        "items": [
            _item(_("Organisations"), "domain", "/admin/billing/tenant/"),
            _item(_("Quotas"), "speed", "/admin/billing/quota/"),
        ],
    },
    {
        "title": _("Provisioning"),
        "items": [
            _item(_("Clusters"), "dns", "/admin/provisioning/cluster/"),
            _item(_("Templates"), "layers", "/admin/provisioning/template/"),
            _item(_("Places of templates"), "file_copy", "/admin/provisioning/templatecopy/"),
            _item(_("Nodes"), "host", "/admin/provisioning/node/"),
            _item(_("Storages"), "hard_drive", "/admin/provisioning/storage/"),
            _item(_("Name servers"), "router", "/admin/provisioning/dnsserver/"),
            _item(_("Zones"), "alternate_email", "/admin/provisioning/dnszone/"),
        ],
    },
    {
        "title": _("Platform"),
        "items": [
            _item(_("System settings"), "tune", "/admin/settings"),
            _item(_("All tables"), "table", "/admin/"),
        ],
    },
    {
        "title": _("To look at"),
        "items": [
            _item(_("Deployments"), "computer", "/admin/provisioning/deployment/"),
            _item(_("Operations"), "bolt", "/admin/portal/operation/"),
            _item(_("Workers"), "memory", "/admin/portal/worker/"),
            _item(_("Audit"), "history", "/admin/audit/entry/"),
        ],
    },
]
