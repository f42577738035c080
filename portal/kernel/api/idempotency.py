"""`Idempotency-Key`: the same POST under the same key has one effect and one answer.

The answer is stored in the transaction of the effect, so a crash leaves both or neither. A lock on the
key, held until that transaction ends, tells whoever comes meanwhile that it is in flight. What is refused
has no effect and is not stored: the key stays free for the corrected request.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.answers import KeyScope, StoredAnswer, answer_store
from portal.kernel.api.renderers import JsonRenderer
from portal.kernel.errors import Fault, IdempotencyKeyReused, InvalidInput

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEY_LENGTH: Final = 128
_KEY: Final = re.compile(rf"[\x21-\x7e]{{1,{KEY_LENGTH}}}")
_KEPT_HEADERS: Final = ("Location", "Content-Disposition", "Cache-Control")


def key_read(request: Request) -> str:
    """The request's key, "" without one. Raises InvalidInput for one that is none."""
    key = request.headers.get(HEADER)
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        message = gettext(
            "%(header)s must be 1 to %(length)s printable ASCII characters without spaces."
        ) % {"header": HEADER, "length": KEY_LENGTH}
        raise InvalidInput(faults=(Fault(HEADER, "invalid", message),))
    return key


def answered_once(
    request: Request, scope: KeyScope, act: Callable[[], HttpResponseBase], *, alias: str
) -> HttpResponseBase:
    """What `act` answers, or what it answered before.

    Raises:
        IdempotencyKeyReused: the key was used for another body.
        IdempotencyInFlight: the first request under this key has not ended.
    """
    store = answer_store()
    wanted = _request_hash(request)
    known = store.find(scope, alias=alias)
    if known is not None:
        if not hmac.compare_digest(known.request_hash, wanted):
            raise IdempotencyKeyReused
        return _replayed(known)
    response = act()
    if isinstance(response, Response) and response.status_code < 500:
        store.keep(scope, _stored(wanted, response), alias=alias)
    return response


def _stored(request_hash: str, response: Response) -> StoredAnswer:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    body = JsonRenderer().render(response.data).decode()
    return StoredAnswer(request_hash, response.status_code, headers, body)


def _replayed(known: StoredAnswer) -> Response:
    data = orjson.loads(known.body) if known.body else None
    response = Response(data, status=known.status, headers=dict(known.headers))
    response[REPLAYED] = "true"
    return response


def _request_hash(request: Request) -> str:
    """Query and body, keyed with the installation's secret; the order of JSON's names does not matter."""
    data: Any = request.data
    if isinstance(data, QueryDict):
        data = dict(data.lists())
    query = _query_of(request._request)  # noqa: SLF001 - DRF has no other way to it
    told = orjson.dumps([query, data], default=_file_hash, option=orjson.OPT_SORT_KEYS)
    return hmac.new(settings.SECRET_KEY.encode(), told, sha256).hexdigest()


def _query_of(request: HttpRequest) -> dict[str, Any]:
    return {name: request.GET.getlist(name) for name in request.GET}


def _file_hash(value: Any) -> str:
    """A file by its contents; it is read again by whoever stores it."""
    digest = sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.hexdigest()
