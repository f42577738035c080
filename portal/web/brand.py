"""`/brand.css`, `/brand.svg`: what the settings colour, kept for ever under the address of its content."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator

from portal.kernel.authz import PUBLIC
from portal.kernel.web.views import PortalView
from portal.logic.brand_colours import brand_styles
from portal.logic.brand_icon import brand_icon
from portal.services.brand import brand, version_of

ONE_YEAR_S = 31_536_000


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class _Coloured(PortalView):
    """A file in the colour of the brand. The sign-in page wears it too, so everybody may read it."""

    permission = PUBLIC
    http_method_names = ["get", "head"]
    content_type: ClassVar[str]
    drawn: ClassVar[Callable[[str], str]]

    def get(self, request: HttpRequest) -> HttpResponse:
        content = type(self).drawn(brand().colour)
        response = HttpResponse(content, content_type=self.content_type)
        is_named = request.GET.get("v") == version_of(content)
        response["Cache-Control"] = (
            f"public, max-age={ONE_YEAR_S}, immutable" if is_named else "no-cache"
        )
        return response


class BrandStyles(_Coloured):
    """Accent colours of both themes."""

    content_type = "text/css; charset=utf-8"
    drawn = staticmethod(brand_styles)


class BrandIcon(_Coloured):
    """The icon of a page's tab."""

    content_type = "image/svg+xml"
    drawn = staticmethod(brand_icon)
