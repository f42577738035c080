"""Requests made up from the API's own schema, sent in-process and judged by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.kernel.tenancy import user_scope
from portal.models import User
from portal.services.tokens import tokens_issue

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
# What every list answers and addresses go by, whatever the parameter is called.
NAMES = ("id", "code", "name", "slug")


@dataclass
class Fuzzer:
    """All operations of the schema, people who call them, and how often in each mode."""

    people: dict[str, User]
    examples: dict[Any, int]
    real: dict[str, list[str]] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        self.app = get_wsgi_application()
        self.schema = schemathesis.openapi.from_wsgi("/api/schema", self.app)
        self.headers = {name: self._headers(user) for name, user in self.people.items()}

    def _headers(self, user: User) -> dict[str, str]:
        with user_scope(user.pk):
            pair = tokens_issue(user=user)
        return {"Authorization": f"Bearer {pair.access_token}"}

    def operations(self) -> list[Any]:
        """Every operation; the schema itself must be sound."""
        return [result.ok() for result in self.schema.get_all_operations()]

    def run(self) -> dict[str, str]:
        """Sends `examples` requests per operation; answers what was wrong, by operation."""
        found = self.operations()
        self._collect(found)
        wrong: dict[str, str] = {}
        for operation in found:
            for mode in self.examples:
                try:
                    self._try(operation, mode)
                except schemathesis.core.failures.FailureGroup as group:
                    wrong[operation.label] = "\n".join(str(one) for one in group.exceptions)
                except schemathesis.core.failures.Failure as failure:
                    wrong[operation.label] = str(failure)
        return wrong

    def _collect(self, operations: list[Any]) -> None:
        """Names of things that exist, from every list: else most addresses would lead nowhere."""
        for operation in operations:
            if operation.method.upper() != "GET" or "{" in operation.path:
                continue
            answer = operation.Case().call(headers=next(reversed(self.headers.values())))
            if answer.status_code == 200 and b'"results"' in answer.content:
                rows = answer.json()["results"][:5]
                self.real[operation.path] = [
                    str(row[name]) for row in rows for name in NAMES if row.get(name)
                ]

    def _values(self, path: str) -> list[str]:
        """What may stand for the parameters of an address."""
        return self.real.get(path.partition("/{")[0], [])

    def _try(self, operation: Any, mode: Any) -> None:
        values = self._values(operation.path)

        @seed(1)
        @settings(
            max_examples=self.examples[mode],
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            operation.as_strategy(mode),
            st.sampled_from(sorted(self.headers)),
            st.sampled_from([*values, None]),  # the first example is about something that exists
        )
        def check(case: Any, person: str, value: str | None) -> None:
            if value is not None:
                for name in case.path_parameters:
                    case.path_parameters[name] = value
            self.sent += 1
            answer = case.call(headers=self.headers[person])
            case.validate_response(answer, checks=CHECKS)

        try:
            check()
        except schemathesis.errors.InvalidSchema:
            raise
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__:
                raise


@contextmanager
def kept_connections() -> Iterator[None]:
    """One connection for all requests, as a pool would give them."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
