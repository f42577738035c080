from __future__ import annotations

import pytest
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from portal.kernel.api.permissions import declared_permission
from portal.kernel.authz import PUBLIC, SIGNED_IN, permission_specs
from tests.conftest import World

OTHERS = ("admin", "api/schema", "api/docs")
OPEN = {
    "api/",
    "api/auth/token",
    "api/auth/revoke",
    "sign-in",
    "sign-out",
    "brand.css",
    "brand.svg",
    "api/^probes/samples$",
    "healthz",
    "language",
    "metrics",
    "readyz",
}


def routes() -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []

    def walk(prefix: str, patterns: list[URLPattern | URLResolver]) -> None:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(path, pattern.url_patterns)
            elif not path.startswith(OTHERS):
                found.append((path, pattern.callback))

    walk("", get_resolver().url_patterns)
    return found


def permissions_of(callback: object) -> set[str | None]:
    """What each method of a route declares."""
    view = getattr(callback, "view_class", None) or callback.cls
    actions = getattr(callback, "actions", None) or {"*": ""}
    declared = set()
    for method, action in actions.items():
        instance = view()
        instance.action = action or None
        instance.request = type("Request", (), {"method": method})()
        declared.add(declared_permission(instance))
    return declared


@pytest.mark.parametrize(("path", "callback"), routes(), ids=[path for path, _ in routes()])
def test_every_route_declares_a_permission_that_exists(path: str, callback: object) -> None:
    known = {PUBLIC, SIGNED_IN, *permission_specs()}

    assert permissions_of(callback) <= known


def test_open_routes_are_exactly_these() -> None:
    assert {path for path, callback in routes() if PUBLIC in permissions_of(callback)} == OPEN


@pytest.mark.parametrize("path", ["/", "/profile", "/sign-in", "/api/docs", "/admin/login/"])
def test_headers_guard_every_page(world: World, client: Client, path: str) -> None:
    answer = client.get(path, follow=True)

    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_policy_is_relaxed_for_foreign_pages_alone(world: World, client: Client) -> None:
    strict = client.get("/sign-in")["Content-Security-Policy"]
    docs = client.get("/api/docs")["Content-Security-Policy"]
    relaxed = client.get("/admin/login/")["Content-Security-Policy"]

    assert "script-src 'self';" in f"{strict};"
    assert "'unsafe-inline'" not in strict
    assert "script-src 'self';" in f"{docs};"
    assert "style-src 'self' 'unsafe-inline'" in docs
    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" in relaxed


def test_schema_and_documentation_answer(world: World, client: Client) -> None:
    page = client.get("/api/docs").content.decode()

    assert client.get("/api/schema").status_code == 200
    assert "swagger-ui-bundle" in page
    assert "SwaggerUIBundle(" in client.get("/api/docs?script=").content.decode()


def test_unknown_page_and_route_are_404(world: World, client: Client) -> None:
    assert client.get("/nowhere").status_code == 404
    assert client.get("/api/nowhere").status_code == 404
