"""Ports of the loopback interface that stay ours: nobody else is given one while its server starts anew."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
_held: list[socket.socket] = []


def port_hold(number: int = 0) -> int:
    """A port, that one if a number is given, that the kernel gives to nobody else while this process lives.

    Whoever binds it by name and may share it, as every server here does, listens on it all the same;
    until somebody does, it refuses connections.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((HOST, number))
    _held.append(held)
    return int(held.getsockname()[1])
