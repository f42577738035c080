"""Bytes in and out: the form parser with its quirks, the answers with their headers."""

from __future__ import annotations

import json
import random
import re
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from aiohttp.web_response import ContentCoding

from integrations.proxmox.simulator.errors import ApiError, BareError
from integrations.proxmox.simulator.routes import Page

SERVER = "pve-api-daemon/3.0"
MAX_BODY = 512 * 1024
_FORM = "application/x-www-form-urlencoded"
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
        key, value = ([*pair.split("="), ""])[:2]
        name, plain = unquote_plus(key), unquote_plus(value)
        if name in values:
            known = values[name]
            values[name] = [*known, plain] if isinstance(known, list) else [known, plain]
        else:
            values[name] = plain
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(int(value))
    return [_plain(item) for item in value] if isinstance(value, list) else str(value)


def _parse_json(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BareError(501, f"malformed JSON string: {error}") from error
    if not isinstance(values, dict):
        raise BareError(501, "JSON object expected")
    return {key: _plain(value) for key, value in values.items() if value is not None}


async def read_params(request: web.BaseRequest) -> dict[str, Any]:
    """All sent parameters; those of the query win over those of the body.

    Raises BareError for content where none may be, too much of it, or of an unknown kind.
    """
    length = request.content_length or 0
    query = parse_form(request.rel_url.raw_query_string)
    if request.method not in ("POST", "PUT"):
        if length:
            refusal = f"Unexpected content for method '{request.method}'"
            raise BareError(501, refusal, body=refusal)
        return query
    if length > MAX_BODY:
        raise BareError(501, "for data too large")
    text = (await request.read()).decode("utf-8", "replace") if length else ""
    kind = request.headers.get("Content-Type", _FORM).partition(";")[0].strip().lower()
    if not text:
        return query
    if kind == "application/json":
        return {**_parse_json(text), **query}
    if kind != _FORM:
        refusal = f"upload 'Content-Type '{kind}' not implemented"
        raise BareError(506, refusal, body=refusal)
    return {**parse_form(text), **query}


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


def success(request: web.BaseRequest, result: Any, formatter: str) -> web.Response:
    body: dict[str, Any] = {"data": result}
    if isinstance(result, Page):
        body = {"data": result.data, "total": result.total}
    if formatter == "extjs":
        body["success"] = 1
    response = _json_response(body)
    is_large = isinstance(response.body, bytes) and len(response.body) > 1024
    if is_large and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(ContentCoding.gzip)
    return response


def failure(error: ApiError, formatter: str) -> web.Response:
    """Answer a refusal and close the connection, as every status from 400 does."""
    if isinstance(error, BareError):
        return bare(error.status, error.reason, error.body)
    ending = "" if error.status == 501 else "\n"
    body: dict[str, Any] = {"data": None, "message": error.message + ending}
    if error.errors:
        body["errors"] = error.errors
    if formatter == "extjs":
        return _json_response({**body, "success": 0, "status": error.status})
    response = _json_response(body, status=error.status, reason=error.reason)
    response.force_close()
    return response


def bare(status: int, reason: str, body: str = "") -> web.Response:
    response = web.Response(body=body.encode(), status=status, reason=reason, headers=_HEADERS)
    if body:
        response.headers["Content-Type"] = "text/plain"
    else:
        response.headers.popall("Content-Type", None)
    response.force_close()
    return response
