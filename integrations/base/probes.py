"""One question to a machine's own address: is there somebody, and does he answer as he should?

The address was named by the machine itself, so it is believed only within networks that an operator
listed; nothing else is ever asked, public or not.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from integrations.base.addresses import Address, Network
from integrations.base.errors import ProviderError
from integrations.base.http import AnswerLost, HttpPolicy, TooLarge, TooSlow, http_send

_WAYLESS = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EMFILE})


class Response(StrEnum):
    """What became of a question. `FORBIDDEN` and `WAYLESS` say nothing of the machine."""

    ANSWERED = "answered"
    WRONG_STATUS = "wrong_status"
    REFUSED = "refused"
    SILENT = "silent"
    BROKEN = "broken"
    FORBIDDEN = "forbidden"
    WAYLESS = "wayless"


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """The response, how long it took, and the status where one came."""

    response: Response
    elapsed_ms: int
    status: int | None = None


def tcp_ask(
    address: str, port: int, *, networks: tuple[Network, ...], timeout_s: float
) -> ProbeAnswer:
    """Open a connection and close it again."""
    place = _permitted(address, networks)
    if place is None:
        return ProbeAnswer(Response.FORBIDDEN, 0)
    began_s = time.monotonic()
    try:
        socket.create_connection((str(place), port), timeout=timeout_s).close()
    except OSError as error:
        return ProbeAnswer(_failed(error), _since_ms(began_s))
    return ProbeAnswer(Response.ANSWERED, _since_ms(began_s))


def http_ask(
    address: str,
    port: int,
    path: str,
    *,
    expected_status: int | None,
    networks: tuple[Network, ...],
    timeout_s: float,
) -> ProbeAnswer:
    """GET a path; without an expected status 200 to 399 are right. Redirects are not followed."""
    place = _permitted(address, networks)
    if place is None:
        return ProbeAnswer(Response.FORBIDDEN, 0)
    host = f"[{place}]" if place.version == 6 else str(place)
    policy = HttpPolicy(allowed_networks=networks, timeout_s=timeout_s, max_bytes=64 * 1024)
    began_s = time.monotonic()
    try:
        answer = http_send(
            "GET", f"http://{host}:{port}{path}", headers={}, body=b"", policy=policy
        )
    except TooLarge as error:
        answer = error.answer
    except (TooSlow, AnswerLost, ProviderError) as error:
        return ProbeAnswer(_failed(error), _since_ms(began_s))
    is_right = (
        200 <= answer.status < 400 if expected_status is None else answer.status == expected_status
    )
    response = Response.ANSWERED if is_right else Response.WRONG_STATUS
    return ProbeAnswer(response, answer.elapsed_ms, answer.status)


def _permitted(address: str, networks: tuple[Network, ...]) -> Address | None:
    try:
        place = ip_address(address)
    except ValueError:
        return None
    is_listed = any(place.version == one.version and place in one for one in networks)
    return place if is_listed else None


def _failed(error: BaseException) -> Response:
    """Read why nothing came from what lies at the bottom of an error."""
    causes = list(_causes(error))
    if any(isinstance(cause, OSError) and cause.errno in _WAYLESS for cause in causes):
        return Response.WAYLESS
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Response.REFUSED
    if any(isinstance(cause, TimeoutError | TooSlow) for cause in causes):
        return Response.SILENT
    return Response.BROKEN


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _since_ms(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)
