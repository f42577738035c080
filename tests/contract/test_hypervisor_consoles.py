"""What every `Hypervisor` does about screens: the same on the twin and on a real wire."""

from __future__ import annotations

import struct

import pytest

from integrations.base.errors import AccessRefused
from integrations.proxmox.adapter.rfb import Reader
from integrations.proxmox.errors import GuestAbsent, ScreenGone
from integrations.proxmox.interface import ConsoleTicket, GuestConfig, Hypervisor, Screen
from tests.contract.cluster import NODE
from tests.loops import run_async

ASK = struct.pack(">BBHHHH", 3, 0, 0, 0, 8, 8)


async def shown(screen: Screen) -> tuple[int, int, str, bytes]:
    """Greets a screen and asks for its picture: width, height, title, pixels."""
    reader = Reader(screen.read)
    await screen.write(b"\x01")
    width, height = struct.unpack(">HH", await reader.take(4))
    await reader.take(16)
    (length,) = struct.unpack(">I", await reader.take(4))
    title = (await reader.take(length)).decode()
    await screen.write(ASK)
    await reader.take(16)
    return width, height, title, await reader.take(width * height * 4)


def test_a_ticket_opens_the_screen_and_shows_its_picture(
    hypervisor: Hypervisor, running: GuestConfig
) -> None:
    async def look() -> tuple[int, int, str, bytes]:
        screen = await hypervisor.console_enter(hypervisor.console_open(NODE, running.vmid))
        try:
            return await shown(screen)
        finally:
            await screen.close()

    width, height, title, pixels = run_async(look())
    assert (width > 0, height > 0, str(running.name) in title) == (True, True, True)
    assert len(set(pixels)) > 1


def test_a_ticket_opens_the_screen_once(hypervisor: Hypervisor, running: GuestConfig) -> None:
    async def twice(ticket: ConsoleTicket) -> None:
        screen = await hypervisor.console_enter(ticket)
        try:
            await hypervisor.console_enter(ticket)
        finally:
            await screen.close()

    ticket = hypervisor.console_open(NODE, running.vmid)
    with pytest.raises(AccessRefused):
        run_async(twice(ticket))


def test_what_was_closed_is_gone(hypervisor: Hypervisor, running: GuestConfig) -> None:
    async def closed() -> None:
        screen = await hypervisor.console_enter(hypervisor.console_open(NODE, running.vmid))
        await screen.close()
        await screen.read()

    with pytest.raises(ScreenGone):
        run_async(closed())


def test_an_absent_guest_has_no_screen(hypervisor: Hypervisor, vmid: int) -> None:
    with pytest.raises(GuestAbsent):
        hypervisor.console_open(NODE, vmid)


def test_a_ticket_shows_none_of_its_secrets(hypervisor: Hypervisor, running: GuestConfig) -> None:
    ticket = hypervisor.console_open(NODE, running.vmid)
    assert ticket.ticket not in repr(ticket)
    assert ticket.password not in repr(ticket)
