"""Where a request comes from, believing only the proxies we were told about."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address, "" when there is none.

    Every proxy appends the address it saw, so with n trusted proxies the n-th entry from the right is
    true and all to its left is hearsay.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    trusted = settings.TRUSTED_PROXY_COUNT
    if trusted:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")
        if len(forwarded) >= trusted:
            address = forwarded[-trusted].strip()
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""
