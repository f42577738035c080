"""Pages that say what went wrong: the number for the logs, a way out, and 500 whatever has failed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.test import Client, RequestFactory

from portal.kernel.context import RequestContext, request_context
from portal.kernel.errors import Conflict, DomainError, NotFound, Refused, ServiceUnavailable
from portal.middleware.errors import error_response
from portal.services import brand
from portal.web import failures
from tests.conftest import World

REQUEST_ID = "0123456789abcdef"
ERRORS = [(Refused, 403), (NotFound, 404), (Conflict, 409), (ServiceUnavailable, 503)]


def _failed(error: Exception, path: str = "/", **cookies: str) -> Any:
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    with request_context(RequestContext(request_id=REQUEST_ID)):
        try:
            raise error
        except type(error):
            return failures.server_error(request)


@pytest.mark.parametrize(("error", "status"), ERRORS)
def test_an_error_page_says_what_and_how_on_and_its_number(
    world: World, error: type[DomainError], status: int
) -> None:
    request = RequestFactory().get("/machines")
    with request_context(RequestContext(request_id=REQUEST_ID)):
        answer = error_response(request, error("The disk is full."))
    page = answer.content.decode()
    assert answer.status_code == status
    assert "The disk is full." in page
    assert REQUEST_ID in page
    assert 'href="/"' in page


def test_an_absent_page_has_the_number_of_the_header(world: World, client: Client) -> None:
    client.force_login(world.people["support"])
    answer = client.get("/nowhere", headers={"x-request-id": REQUEST_ID})
    assert (answer.status_code, answer["X-Request-Id"]) == (404, REQUEST_ID)
    assert REQUEST_ID in answer.content.decode()


def test_what_breaks_asks_neither_database_nor_session() -> None:
    answer = _failed(ValueError("broken"), theme="light")
    page = answer.content.decode()
    assert (answer.status_code, answer["Cache-Control"]) == (500, "no-store")
    assert "Something broke here" in page
    assert REQUEST_ID in page
    assert 'data-theme="light"' in page


def test_a_database_that_does_not_answer_is_told_to_come_back_to() -> None:
    answer = _failed(OperationalError("gone"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "A part is not available" in answer.content.decode()


def test_two_sentences_remain_when_even_the_page_cannot_be_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_: Any) -> str:
        raise TemplateDoesNotExist("500.html")

    monkeypatch.setattr(failures, "render_to_string", gone)
    answer = _failed(ValueError("broken"))
    assert answer.status_code == 500
    assert REQUEST_ID in answer.content.decode()


def test_the_api_is_answered_in_its_own_language() -> None:
    answer = _failed(ValueError("broken"), "/api/deployments")
    assert answer["Content-Type"] == "application/json"
    assert answer.status_code == 500


def test_the_whole_stack_answers_500_with_its_page(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_request: HttpRequest, **_: Any) -> None:
        raise ValueError

    monkeypatch.setattr("portal.web.profile.Profile.get", broken)
    caplog.set_level(logging.CRITICAL)
    client.force_login(world.people["support"])
    client.raise_request_exception = False
    answer = client.get("/profile", headers={"x-request-id": REQUEST_ID})
    assert answer.status_code == 500
    assert REQUEST_ID in answer.content.decode()


def test_a_form_that_is_too_old_says_so(world: World) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "a", "password": "b"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form is too old" in page
    assert 'href="/sign-in"' in page


@pytest.mark.parametrize(
    ("form", "place"), [({}, "#toasts"), ({"dialog": "volume-add"}, "dialog[open] .faults")]
)
def test_a_part_of_a_page_that_is_too_old_says_so_too(
    world: World, form: dict[str, str], place: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["support"])
    answer = client.post("/deployments/bulk", form, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"]) == (403, place)
    assert "reload the page" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_the_last_brand_is_known_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brand, "_known", [])
    assert brand.brand_known().name == "uHub"
