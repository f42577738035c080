"""axe-core finds nothing on any page; all sizes, themes and languages in the soak."""

from __future__ import annotations

from itertools import product

import pytest

from portal.models import User
from tests.e2e.accessibility import axe_violations
from tests.e2e.browser import DESKTOP, PHONE, overflow_px
from tests.e2e.catalogue import Sight
from tests.e2e.conftest import Look

_SIZES = {"desktop": DESKTOP, "phone": PHONE}


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("theme", "size", "language"), list(product(["dark", "light"], _SIZES, ["en", "fr"]))
)
def test_axe_finds_nothing_in_the_whole_cross(
    sights: list[Sight], look: Look, theme: str, size: str, language: str
) -> None:
    User.objects.using("platform").update(theme=theme, language=language)
    found = {}
    for sight in sights:
        page = look(sight, size=_SIZES[size])
        faults = axe_violations(page, shows_twice=sight.name == "components")
        found[sight.name] = (faults, overflow_px(page))
    assert {name: faults for name, faults in found.items() if faults != ([], 0)} == {}
