"""ETag, If-Match and If-None-Match.

A tag is `"<version>-<content>"`: the version stands for id and `updated_at` of the row, the content for
the bytes of this very answer. `If-None-Match` compares all of it, so that a 304 is never wrong;
`If-Match` compares the version, which the row's lock makes a promise. Lists have content alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.response import Response

from portal.kernel.errors import PreconditionFailed

ANY: Final = ["*"]
PRIVATE: Final = "private, no-cache"
_SAFE: Final = frozenset({"GET", "HEAD"})
_VARY_ON: Final = ("Accept", "Authorization", "Cookie", "X-Tenant")
_KEPT: Final = ("ETag", "Cache-Control", "Vary")


def _digest(value: bytes) -> str:
    return blake2b(value, digest_size=10).hexdigest()


def row_version(row_id: object, updated_at: datetime | str | None) -> str:
    """What the row is now, in the words of a tag."""
    moment = datetime.fromisoformat(updated_at) if isinstance(updated_at, str) else updated_at
    text = moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else ""
    return _digest(f"{row_id}|{text}".encode())


def answer_version(data: Any) -> str:
    """The version of the object an answer shows; "" for what is no object of its own."""
    is_object = isinstance(data, Mapping) and "id" in data and "updated_at" in data
    return row_version(data["id"], data["updated_at"]) if is_object else ""


def demand_match(wanted: str, version: str) -> None:
    """Passes when the client has seen this version, or any (`*`).

    Raises:
        PreconditionFailed: it saw another one, or the header is unreadable.
    """
    tags = parse_etags(wanted)
    if tags == ANY or any(tag.strip('"').partition("-")[0] == version for tag in tags):
        return
    raise PreconditionFailed


def answer_tag(request: HttpRequest, response: HttpResponseBase, version: str) -> None:
    """Gives a JSON answer its tag once it is rendered, and makes it a 304 where the client has it."""
    if not 200 <= response.status_code < 300 or response.status_code == 204:
        return
    renderer = getattr(response, "accepted_renderer", None)
    if not isinstance(response, Response) or getattr(renderer, "format", "") != "json":
        return

    def finish(rendered: HttpResponse) -> HttpResponse | None:
        content = _digest(rendered.content)
        rendered["ETag"] = f'"{version}-{content}"' if version else f'"{content}"'
        rendered.headers.setdefault("Cache-Control", PRIVATE)
        rendered["Vary"] = ", ".join(_VARY_ON)
        known = parse_etags(request.headers.get("If-None-Match", ""))
        is_known = rendered["ETag"] in [tag.removeprefix("W/") for tag in known]
        return _not_modified(rendered) if request.method in _SAFE and is_known else None

    response.add_post_render_callback(finish)


def _not_modified(rendered: HttpResponse) -> HttpResponse:
    answer = HttpResponseNotModified()
    for name in _KEPT:
        answer[name] = rendered[name]
    answer.cookies = rendered.cookies
    return answer
