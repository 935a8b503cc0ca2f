"""A DNS server on a free loopback port, over UDP and TCP, with TXT and CNAME records."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

__all__ = ["DnsServer", "dns_server"]

_MAX_UDP, _MAX_TCP = 1232, 65_535
_TTL = 60

Spoil = Callable[[dns.message.Message, dns.message.Message], bytes | None]
"""Returns what to send for a query and the right response; None for nothing."""


@dataclass
class DnsServer:
    """Records by name, without a dot at the end, and names that get a spoiled response."""

    address: str = ""
    texts: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    aliases: dict[str, str] = field(default_factory=dict)
    spoiled: dict[str, Spoil] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)

    def respond(self, wire: bytes, max_size: int) -> bytes | None:
        """Return the response to a query; None for none."""
        query = dns.message.from_wire(wire)
        question = query.question[0].name
        name = question.to_text(omit_final_dot=True)
        self.queries.append(name)
        response = dns.message.make_response(query)
        while name in self.aliases:
            response.answer.append(
                dns.rrset.from_text(f"{name}.", _TTL, "IN", "CNAME", f"{self.aliases[name]}.")
            )
            name = self.aliases[name]
        if self.texts[name]:
            response.answer.append(
                dns.rrset.from_text(f"{name}.", _TTL, "IN", "TXT", *map(_quoted, self.texts[name]))
            )
        elif not response.answer:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if name in self.spoiled:
            return self.spoiled[name](query, response)
        try:
            return response.to_wire(max_size=max_size)
        except dns.exception.TooBig:
            truncated = dns.message.make_response(query)
            truncated.flags |= dns.flags.TC
            return truncated.to_wire()


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    """Run a server for the duration of the block."""
    server = DnsServer()

    async def serve_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = int.from_bytes(await reader.readexactly(2))
            response = server.respond(await reader.readexactly(size), _MAX_TCP)
            if response is not None:
                writer.write(len(response).to_bytes(2) + response)
                await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve_tcp, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(server), local_addr=(host, port)
    )
    server.address = f"{host}:{port}"
    try:
        yield server
    finally:
        transport.close()
        listener.close()
        await listener.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # of UDP
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._server.respond(data, _MAX_UDP)
        if response is not None:
            self._transport.sendto(response, addr)


def _quoted(text: str) -> str:
    """Return a text as strings of a record, which have at most 255 bytes each."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
