"""What a viewer of a screen may say: the remote framebuffer's client messages, one by one (RFC 6143).

The proxy passes on nothing that it cannot read, so that a browser can send keys, clicks, pasted text and
requests for pictures, and no more.
"""

from __future__ import annotations

import struct
from typing import Final

VERSION: Final = b"RFB 003.008\n"
SECURITY_NONE: Final = b"\x01\x01"
SECURITY_DONE: Final = struct.pack(">I", 0)
CHOSEN_NONE: Final = b"\x01"
TEXT_MOST: Final = 256 * 1024
HELD_MOST: Final = TEXT_MOST + 64
_ENCODINGS_MOST: Final = 256
_KEY, _POINTER, _TEXT, _QEMU = 4, 5, 6, 255
_INPUTS: Final = frozenset({_KEY, _POINTER, _TEXT, _QEMU})
# Whole lengths, the type included, of messages that always have the same.
_FIXED: Final = {0: 20, 3: 10, _KEY: 8, _POINTER: 6, 150: 10, 250: 4, _QEMU: 12}


class NotRfb(Exception):
    """What came is none of a viewer's messages, or too long for one."""


class ViewerMessages:
    """Cuts what a viewer sends into its messages; `has_input` says whether a person did something."""

    def __init__(self) -> None:
        self._held = b""
        self._is_greeted = False

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Whole messages to pass on, and whether one is a key, a click or a text. Raises NotRfb."""
        self._held += data
        if len(self._held) > HELD_MOST:
            raise NotRfb
        end, has_input = 0, False
        if not self._is_greeted and self._held:
            # The client's init message: whether it shares the screen.
            self._is_greeted, end = True, 1
        while (length := _length(self._held, end)) is not None:
            has_input = has_input or self._held[end] in _INPUTS
            end += length
        whole, self._held = self._held[:end], self._held[end:]
        return whole, has_input


def _length(data: bytes, at: int) -> int | None:
    """How long the message at that place is; None while it is not all there. Raises NotRfb."""
    if at >= len(data):
        return None
    kind = data[at]
    length = _FIXED.get(kind) or _variable(kind, data, at)
    return length if length is not None and len(data) - at >= length else None


def _variable(kind: int, data: bytes, at: int) -> int | None:
    if kind == 2 and len(data) - at >= 4:
        count = struct.unpack_from(">H", data, at + 2)[0]
        if count > _ENCODINGS_MOST:
            raise NotRfb
        return int(4 + 4 * count)
    if kind == _TEXT and len(data) - at >= 8:
        size = abs(struct.unpack_from(">i", data, at + 4)[0])
        if size > TEXT_MOST:
            raise NotRfb
        return int(8 + size)
    if kind == 248 and len(data) - at >= 9:
        return 9 + data[at + 8]
    if kind == 251 and len(data) - at >= 8:
        return 8 + 16 * data[at + 6]
    if kind not in {2, _TEXT, 248, 251}:
        raise NotRfb
    return None
