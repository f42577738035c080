"""Bytes in and out: the form parser with its quirks, the answers with their headers."""

from __future__ import annotations

import html
import json
import random
import re
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from aiohttp.web_response import ContentCoding

from integrations.proxmox.simulator.errors import ApiError, BareError, CutOffError, RawAnswerError
from integrations.proxmox.simulator.routes import Page

SERVER = "pve-api-daemon/3.0"
MAX_BODY = 512 * 1024
COMPRESSED_FROM = 1024
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_HEADERS = {
    "Server": SERVER,
    "Cache-Control": "max-age=0",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}


def parse_form(text: str) -> dict[str, Any]:
    """Read `a=1&b=2`; an unescaped `=` cuts the value short and `;` separates too."""
    values: dict[str, Any] = {}
    for pair in (piece for piece in re.split("[&;]", text) if piece):
        key, *rest = pair.split("=")
        name = unquote_plus(key)
        if not rest:
            values[name] = None
            continue
        plain = unquote_plus(rest[0])
        known = values.get(name)
        if known is None:
            values[name] = plain
        else:
            values[name] = [*known, plain] if isinstance(known, list) else [known, plain]
    values.pop("_dc", None)
    return values


def _plain(value: Any) -> Any:
    """Numbers are texts from here on; what is true or false stays so."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | dict) or value is None else str(value)


def _parse_json(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        words = "malformed JSON string, neither tag, array, object, number, string or atom"
        raise refusal(500, words) from error
    if not isinstance(values, dict):
        raise refusal(500, "Not a HASH reference")
    return {key: _plain(value) for key, value in values.items()}


async def read_body(request: web.BaseRequest) -> str:
    """Read the body where one may be.

    Raises BareError for content where none may be, too much of it, or of an unknown kind;
    CutOffError where the client leaves in the middle of it.
    """
    length = request.content_length or 0
    if not length:
        return ""
    if request.method not in ("POST", "PUT"):
        raise refusal(501, f"Unexpected content for method '{request.method}'")
    if length > MAX_BODY:
        raise refusal(501, "for data too large")
    kind = request.headers.get("Content-Type", _FORM)
    if kind.partition(";")[0].strip().lower() not in (_FORM, _JSON):
        raise refusal(506, f"upload 'Content-Type '{kind}' not implemented")
    try:
        return (await request.read()).decode("utf-8", "replace")
    except ConnectionError as error:
        raise CutOffError from error


def read_params(request: web.BaseRequest, body: str) -> dict[str, Any]:
    """All sent parameters; those of the query win over those of the body."""
    query = parse_form(request.rel_url.raw_query_string)
    if not body:
        return query
    kind = request.headers.get("Content-Type", _FORM).partition(";")[0].strip().lower()
    return {**(_parse_json(body) if kind == _JSON else parse_form(body)), **query}


def refusal(status: int, reason: str) -> BareError:
    """Answer a refusal with its reason as text in the body."""
    return BareError(status, reason, body=reason)


def bare_refusal(status: int, reason: str) -> BareError:
    """Answer a refusal with no body at all."""
    return BareError(status, reason)


def _shuffled(value: Any) -> Any:
    """Keys come in no order, so that nobody gets used to one."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: _shuffled(item) for key, item in items}
    return [_shuffled(item) for item in value] if isinstance(value, list) else value


def _json_response(body: dict[str, Any], *, status: int = 200, reason: str = "OK") -> web.Response:
    text = json.dumps(_shuffled(body), separators=(",", ":"), ensure_ascii=False)
    response = web.Response(body=text.encode(), status=status, reason=reason, headers=_HEADERS)
    response.headers["Content-Type"] = "application/json;charset=UTF-8"
    return response


def _page(body: dict[str, Any], status: int, reason: str) -> web.Response:
    """The formatter for people: the same, readable in a browser."""
    shown = html.escape(json.dumps(_shuffled(body.get("data")), indent=1, ensure_ascii=False))
    alert = f"<p>Error {status}: {html.escape(reason)}</p>" if status >= 400 else ""
    page = f"<!DOCTYPE html>\n<html><body>{alert}<pre>{shown}</pre></body></html>"
    response = web.Response(body=page.encode(), status=status, reason=reason, headers=_HEADERS)
    response.headers["Content-Type"] = "text/html;charset=UTF-8"
    return response


def _picture(status: int, reason: str) -> web.Response:
    """The formatter for pictures, of which there are none."""
    response = web.Response(body=b"", status=status, reason=reason, headers=_HEADERS)
    response.headers["Content-Type"] = "image/png"
    return response


def _formatted(
    body: dict[str, Any], formatter: str, *, status: int = 200, reason: str = "OK"
) -> web.Response:
    if formatter == "html":
        return _page(body, status, reason)
    if formatter == "png":
        return _picture(status, reason)
    return _json_response(body, status=status, reason=reason)


def success(request: web.BaseRequest, result: Any, formatter: str) -> web.Response:
    body: dict[str, Any] = {"data": result}
    if isinstance(result, Page):
        body = {"data": result.data, **({"total": result.total} if result.total else {})}
    if formatter == "extjs":
        body["success"] = 1
    response = _formatted(body, formatter)
    is_large = isinstance(response.body, bytes) and len(response.body) > COMPRESSED_FROM
    if is_large and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(ContentCoding.gzip)
    return response


def failure(error: ApiError, formatter: str, *, has_message: bool = True) -> web.Response:
    """Answer a refusal and close the connection, as every status from 400 does."""
    if isinstance(error, BareError):
        return _bare(error)
    ending = "" if error.status == 501 else "\n"
    body: dict[str, Any] = {"data": None, "message": error.message + ending}
    if error.errors:
        body["errors"] = error.errors
    if formatter == "extjs":
        return _json_response({**body, "success": 0, "status": error.status})
    if not has_message:
        del body["message"]
    response = _formatted(body, formatter, status=error.status, reason=error.reason)
    response.force_close()
    return response


def _bare(error: BareError) -> web.Response:
    response = web.Response(
        body=error.body.encode(), status=error.status, reason=error.reason, headers=_HEADERS
    )
    kind = error.kind if isinstance(error, RawAnswerError) else ""
    if kind:
        response.headers["Content-Type"] = kind
    elif error.body:
        response.headers["Content-Type"] = "text/html" if "<html>" in error.body else "text/plain"
    else:
        response.headers.popall("Content-Type", None)
    if error.status >= 400:
        response.force_close()
    return response
