"""Pages of hooks: list, one with its runs, form, deletion, skipping one that holds up a deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel.authz import Actor
from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.stored_text import translated
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.paging import page_of
from portal.kernel.web.table_views import TableView
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from provisioning.logic.hook_rules import HookConfig
from provisioning.models import Hook, HookRun
from provisioning.permissions import Permission
from provisioning.selectors.hooks import hook_get, hook_list, run_get, run_list
from provisioning.services import hooks
from provisioning.web.hook_forms import HookForm
from provisioning.web.hook_table import HOOKS, HookRow


def sections(actor: Actor, here: str) -> list[dict[str, Any]]:
    """The two lists as tabs, those that the actor may see."""
    known = (
        ("hooks", _("Hooks"), "workflow", "/hooks", Permission.HOOKS_VIEW),
        ("webhooks", _("Webhooks"), "webhook", "/webhooks", Permission.WEBHOOKS_VIEW),
    )
    return [
        {"label": label, "icon": icon, "url": url, "is_current": key == here}
        for key, label, icon, url, permission in known
        if actor.may(permission)
    ]


class HookList(TableView):
    """`/hooks`."""

    permission = Permission.HOOKS_VIEW
    table = HOOKS
    template_name = "provisioning/hook/list.html"
    empty_name = "provisioning/hook/_empty.html"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Hook]:
        rows = hook_list(actor=self.actor)
        for name in ("event", "type"):
            if wanted.get(name):
                rows = rows.filter(**{name: wanted[name]})
        last = HookRun.objects.filter(hook=OuterRef("pk")).order_by("-created_at", "-id")
        return rows.annotate(
            last_status=Subquery(last.values("status")[:1]),
            last_at=Subquery(last.values("created_at")[:1]),
        )

    def shown(self, rows: list[Any]) -> Iterable[HookRow]:
        return [HookRow(row, row.last_status or "", row.last_at) for row in rows]

    def page(self, values: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
        more = {
            "sections": sections(self.actor, "hooks"),
            "may_manage": self.actor.may(Permission.HOOKS_MANAGE),
        }
        return super().page({**values, **more}, status=status)


class HookDetail(PortalView):
    """`/hooks/{id}`."""

    permission = Permission.HOOKS_VIEW
    template_name = "provisioning/hook/detail.html"

    def get(self, request: HttpRequest, hook_id: str) -> HttpResponse:
        hook = hook_get(actor=self.actor, hook_id=hook_id)
        page = page_of(request, run_list(actor=self.actor).filter(hook=hook))
        return self.page(
            {
                "hook": hook,
                "config": HookConfig.read(hook.config),
                "runs": page.rows,
                "previous": page.previous,
                "next": page.next,
                "may_manage": self.actor.may(Permission.HOOKS_MANAGE),
            }
        )


class HookEdit(PortalView):
    """`/hooks/new` and `/hooks/{id}/edit`."""

    permission = Permission.HOOKS_MANAGE
    template_name = "provisioning/hook/form.html"

    def get(self, request: HttpRequest, hook_id: str = "") -> HttpResponse:
        hook = hook_get(actor=self.actor, hook_id=hook_id) if hook_id else None
        return self._shown(HookForm.of(hook) if hook else HookForm(), hook)

    def post(self, request: HttpRequest, hook_id: str = "") -> HttpResponse:
        known = hook_get(actor=self.actor, hook_id=hook_id) if hook_id else None
        form = HookForm(request.POST)
        if form.is_valid():
            try:
                hook = self._save(form, known)
            except InvalidInput as error:
                form.take(error)
            else:
                target = reverse("provisioning:hook_detail", args=[hook.pk])
                response = HttpResponseRedirect(target)
                response.status_code = 303
                return response
        return self._shown(form, known, status=UNPROCESSABLE)

    def _save(self, form: HookForm, known: Hook | None) -> Hook:
        if known is not None:
            return hooks.hook_change(actor=self.actor, hook_id=known.pk, request=form.request())
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise NotFound
        return hooks.hook_create(actor=self.actor, tenant_id=tenant_id, request=form.request())

    def _shown(self, form: HookForm, hook: Hook | None, *, status: int = 200) -> HttpResponse:
        scripts = hooks.hook_scripts(actor=self.actor)
        return self.page({"form": form, "hook": hook, "scripts": scripts}, status=status)


class HookDelete(ActionView):
    """`/hooks/{id}/delete`."""

    permission = Permission.HOOKS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:hook_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        hooks.hook_delete(actor=self.actor, hook_id=kwargs["hook_id"])
        return _("The hook is deleted; its runs stay on record.")


class HookRunDetail(PortalView):
    """`/hook-runs/{id}`."""

    permission = Permission.HOOKS_VIEW
    template_name = "provisioning/hook/run.html"

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        run = run_get(actor=self.actor, run_id=run_id)
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        payload = orjson.dumps(run.payload, option=option).decode()
        return self.page({"run": run, "reason": translated(run.reason), "payload": payload})


class HookRunSkip(ActionView):
    """`/hook-runs/{id}/skip`."""

    permission = Permission.HOOKS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:hook_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        reason = request.POST.get("reason", "")
        hooks.hook_skip(actor=self.actor, run_id=kwargs["run_id"], reason=reason)
        return _("The deletion goes on without this hook.")
