"""Base classes of Django admin: looking is the default, and a write always calls a service."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from portal.kernel import context
from portal.kernel.authz import ANONYMOUS, Actor
from portal.kernel.errors import DomainError, InvalidInput
from portal.kernel.tenancy import PLATFORM


def acting() -> Actor:
    """Whoever sits in front of Django admin."""
    return context.current().actor or ANONYMOUS


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows of every tenant and changes none."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ServiceAdmin(ModelAdmin):
    """Rows that may be edited: `create` and `update` (and `remove`) hand the form to a service.

    What the service refuses is shown above the page; nothing was saved then.
    """

    list_per_page = 50
    actions = None

    def create(self, values: dict[str, Any]) -> Model:
        """Makes the object through a service."""
        raise NotImplementedError

    def update(self, obj: Any, values: dict[str, Any]) -> Model:
        """Changes the object through a service."""
        raise NotImplementedError

    def remove(self, obj: Any) -> None:
        """Removes the object through a service."""
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return type(self).remove is not ServiceAdmin.remove

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        saved = self.update(obj, form.cleaned_data) if change else self.create(form.cleaned_data)
        obj.pk = saved.pk
        obj._state.adding = False
        obj.refresh_from_db(using=PLATFORM)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.remove(obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            with transaction.atomic(using=PLATFORM):
                return super().changeform_view(request, object_id, form_url, extra_context)
        except InvalidInput as error:
            for fault in error.faults:
                messages.error(request, f"{fault.field}: {fault.message}")
        except DomainError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(request.get_full_path())
