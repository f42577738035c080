"""The tab of a machine's page that shows what hooks did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.kernel.web.paging import page_of
from provisioning.permissions import Permission
from provisioning.selectors.hooks import runs_about
from provisioning.services.hooks import is_holding_up
from provisioning.web.hook_forms import SkipForm

if TYPE_CHECKING:
    from provisioning.web.tabs import TabContext


def hooks_tab(at: TabContext) -> dict[str, Any]:
    """What the machine's tab shows: its runs, and what can be skipped."""
    rows = runs_about(actor=at.actor, deployment_id=at.deployment.pk)
    page = page_of(at.request, rows)
    may_skip = at.actor.may(Permission.HOOKS_MANAGE)
    skippable = [
        {"run": run, "form": SkipForm(auto_id=f"skip_{run.pk.hex}_%s")}
        for run in page.rows
        if may_skip and is_holding_up(run, at.deployment)
    ]
    return {
        "runs": page.rows,
        "skippable": skippable,
        "previous": page.previous,
        "next": page.next,
    }
