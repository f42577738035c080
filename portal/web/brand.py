"""`/brand.css`: the colours that the settings decide, kept for ever under the address of their content."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator

from portal.kernel.authz import PUBLIC
from portal.kernel.web.views import PortalView
from portal.logic.brand_colours import brand_styles
from portal.services.brand import brand, styles_version

ONE_YEAR_S = 31_536_000


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class BrandStyles(PortalView):
    """Accent colours of both themes. The sign-in page wears them too, so everybody may read them."""

    permission = PUBLIC
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        colour = brand().colour
        response = HttpResponse(brand_styles(colour), content_type="text/css; charset=utf-8")
        is_named = request.GET.get("v") == styles_version(colour)
        response["Cache-Control"] = (
            f"public, max-age={ONE_YEAR_S}, immutable" if is_named else "no-cache"
        )
        return response
