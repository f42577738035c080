"""What a chart shows, as views hand it to the templates; `portal.templatetags.ui_charts` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.kernel.ui import Text


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures; None is a gap, never a zero."""

    label: Text
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures by category (days, projects …).

    `label` says what the chart is about; `unit` follows every figure ("%"); `highlight` is the place
    of the category that stands out (today); `titles` are the categories in full, for tips and tables.
    `id` tells two charts of one page with the same label apart.
    """

    label: Text
    categories: Sequence[Text]
    series: Sequence[Series]
    unit: str = ""
    highlight: int | None = None
    id: str = ""
    titles: Sequence[Text] = ()
