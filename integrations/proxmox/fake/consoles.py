"""Guests' screens, in memory."""

from __future__ import annotations

from integrations.base.errors import AccessRefused
from integrations.proxmox.errors import PROVIDER
from integrations.proxmox.fake.calls import FakeCalls
from integrations.proxmox.fake.screen import FakeScreen
from integrations.proxmox.interface import ConsoleCalls, ConsoleTicket, Screen


class FakeConsoles(FakeCalls, ConsoleCalls):
    """Implements `ConsoleCalls` in memory; a ticket opens one of `screens`, once."""

    def console_open(self, node: str, vmid: int) -> ConsoleTicket:
        with self._call("console_open", node=node, vmid=vmid):
            name = self._guest(node, vmid).config.name or str(vmid)
            number = next(self._numbers)
            ticket = f"PVEVNC:{number:08X}"
            self.screens[ticket] = FakeScreen(name)
            return ConsoleTicket(node, vmid, 5900 + number % 100, ticket, f"{number:08d}")

    async def console_enter(self, ticket: ConsoleTicket) -> Screen:
        with self._call("console_enter", node=ticket.node, vmid=ticket.vmid):
            screen = self.screens.pop(ticket.ticket, None)
            if screen is None:
                raise AccessRefused("invalid PVEVNC ticket", provider=PROVIDER)
            return screen
