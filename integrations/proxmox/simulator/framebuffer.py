"""A small screen with text on it, drawn as a remote framebuffer wants its pixels."""

from __future__ import annotations

from functools import lru_cache

WIDTH = 320
HEIGHT = 120
BYTES_PER_PIXEL = 4
SCALE = 2
MARGIN = 12
_INK = b"\xe6\xe6\xe6\x00"
_PAPER = {"running": b"\x40\x20\x10\x00", "paused": b"\x20\x40\x40\x00"}
_DARK = b"\x10\x10\x10\x00"
_ROWS = 7
# five columns per letter, the lowest bit is the top
_GLYPHS = {
    letter: bytes.fromhex(columns)
    for letter, columns in {
        " ": "0000000000", "-": "0808080808", ".": "0000606000", ":": "0000140000",
        "_": "4040404040", "0": "3e5149453e", "1": "00427f4000", "2": "7249494946",
        "3": "2141494d33", "4": "1814127f10", "5": "2745454539", "6": "3c4a494931",
        "7": "4121110907", "8": "3649494936", "9": "464949291e", "A": "7c1211127c",
        "B": "7f49494936", "C": "3e41414122", "D": "7f4141413e", "E": "7f49494941",
        "F": "7f09090901", "G": "3e41415173", "H": "7f0808087f", "I": "00417f4100",
        "J": "2040413f01", "K": "7f08142241", "L": "7f40404040", "M": "7f021c027f",
        "N": "7f0408107f", "O": "3e4141413e", "P": "7f09090906", "Q": "3e4151215e",
        "R": "7f09192946", "S": "2649494932", "T": "03017f0103", "U": "3f4040403f",
        "V": "1f2040201f", "W": "3f4038403f", "X": "6314081463", "Y": "0304780403",
        "Z": "6159494d43",
    }.items()
}  # fmt: skip


def lit(text: str) -> set[tuple[int, int]]:
    """Answer the dots of a line of text, in letters' own units."""
    return {
        (position * 6 + column, row)
        for position, letter in enumerate(text.upper())
        for column, bits in enumerate(_GLYPHS.get(letter, _GLYPHS["-"]))
        for row in range(_ROWS)
        if bits >> row & 1
    }


@lru_cache(maxsize=8)
def picture(name: str, status: str) -> bytes:
    """Answer the pixels, row by row: the name, and below it the state."""
    paper = _PAPER.get(status, _DARK)
    rows = [bytearray(paper * WIDTH) for _ in range(HEIGHT)]
    for line, text in enumerate((name, status)):
        top = MARGIN + line * (_ROWS + 5) * SCALE
        for column, row in lit(text):
            _dot(rows, MARGIN + column * SCALE, top + row * SCALE)
    return b"".join(rows)


def _dot(rows: list[bytearray], left: int, top: int) -> None:
    if left + SCALE > WIDTH:
        return
    start = left * BYTES_PER_PIXEL
    for row in rows[top : top + SCALE]:
        row[start : start + SCALE * BYTES_PER_PIXEL] = _INK * SCALE
