"""Lucide's icons as inline SVG, from an archive that is opened once in the life of a process.

The package opens it anew for every icon and reads a list of 1,700 files each time, which the first pages of a
process would wait for.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO
from xml.etree import ElementTree as ET
from zipfile import ZipFile

from lucide import IconDoesNotExist

_NAMESPACE = "{http://www.w3.org/2000/svg}"


@cache
def _archive() -> ZipFile:
    """In memory: a process that forks afterwards shares no position in a file."""
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))


def icon_drawn(name: str, size: int, attributes: dict[str, str]) -> str:
    """The SVG of an icon with these attributes.

    Raises:
        lucide.IconDoesNotExist: there is no icon of that name.
    """
    try:
        text = _archive().read(f"{name}.svg").decode()
    except KeyError as error:
        raise IconDoesNotExist(f"The icon {name!r} does not exist.") from error
    svg = ET.fromstring(text)  # noqa: S314 - a file of an installed package
    for node in svg.iter():
        node.tag = node.tag.removeprefix(_NAMESPACE)
    svg.attrib.update({"width": str(size), "height": str(size)} | attributes)
    return ET.tostring(svg, encoding="unicode")
