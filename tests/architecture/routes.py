"""Every address of the application, read from the URL configuration: what is new is covered by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from portal.kernel.web.views import PortalView

# Django admin and the API's own documentation have gates of their own.
OTHERS = ("admin/", "admin", "api/schema", "api/docs")
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """One address and method; `name` is the action of the API or the class of the page."""

    path: str
    method: str
    view: Any
    name: str

    @property
    def is_api(self) -> bool:
        return self.path.startswith("api/")

    @property
    def permission(self) -> str:
        """What the view declares for it; "" when it declares nothing."""
        if not self.is_api:
            return str(getattr(self.view, "permission", ""))
        table = getattr(self.view, "permissions", {})
        declared = table.get(self.name, table.get("*", getattr(self.view, "permission", "")))
        return str(declared or "")

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.path)

    def __str__(self) -> str:
        return f"{self.method.upper()} /{self.path}"


def kind_of(route: Route) -> str:
    """What the address is about: its first part."""
    return route.path.removeprefix("api/").split("/")[0]


def routes() -> list[Route]:
    """All of them, once each."""
    found = {str(route): route for route in _walk(get_resolver().url_patterns, "")}
    return [found[name] for name in sorted(found)]


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + _readable(str(pattern.pattern))
        if path.startswith(OTHERS):
            continue
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield from _methods(path, pattern.callback)


def _methods(path: str, callback: Any) -> Iterator[Route]:
    actions = getattr(callback, "actions", None)
    if actions:
        for method, name in actions.items():
            if method in METHODS:
                yield Route(path, method, callback.cls, name)
        return
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    assert view is not None, f"/{path} is a bare function: nothing can say who may call it"
    assert issubclass(view, APIView | PortalView), f"/{path} is neither a page nor an API view"
    for method in METHODS:
        if hasattr(view, method) and method in [name.lower() for name in view.http_method_names]:
            name = method if issubclass(view, APIView) else view.__name__
            yield Route(path, method, view, name)


def _readable(pattern: str) -> str:
    """A regular expression as the routers write it, in the form of `path()`."""
    text = pattern.removeprefix("^").removesuffix("$").removesuffix("\\Z")
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text)
