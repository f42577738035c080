"""Rendering of pieces of markup with components, as in a page."""

from __future__ import annotations

import re
from typing import Any

from django.template import RequestContext, Template
from django.test import RequestFactory
from django_cotton.compiler_regex import CottonCompiler


def rendered(source: str, **values: Any) -> str:
    """The HTML of the markup; white space between and inside tags collapsed."""
    template = Template(CottonCompiler().process(source))
    html = template.render(RequestContext(RequestFactory().get("/"), values))
    html = re.sub(r"\s+", " ", html)
    return re.sub(r"\s*(?=[<>])|(?<=>)\s+", "", html).strip()


def text(html: str) -> str:
    """What a person reads: markup and icons away."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
