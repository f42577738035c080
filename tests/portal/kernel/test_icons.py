"""Icons are drawn as the package draws them, from an archive that is opened once."""

from __future__ import annotations

from zipfile import ZipFile

import lucide
import pytest

from portal.kernel.icons import icon_drawn


@pytest.mark.parametrize("name", ["server", "circle-check", "loader-circle"])
def test_an_icon_is_drawn_as_the_package_draws_it(name: str) -> None:
    attributes = {"stroke-width": "1.75", "aria-hidden": "true", "class": "spin"}
    assert icon_drawn(name, 18, attributes) == lucide._render_icon(name, 18, **attributes)


def test_the_archive_is_not_opened_for_every_icon(monkeypatch: pytest.MonkeyPatch) -> None:
    icon_drawn("server", 16, {})

    def forbidden(*_: object) -> None:
        raise AssertionError("the archive was opened again")

    monkeypatch.setattr(ZipFile, "__init__", forbidden)
    assert icon_drawn("anchor", 16, {}).startswith("<svg")
