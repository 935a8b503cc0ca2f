"""Looks up TXT records in the DNS, within bounds of time, size and frequency."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from hushpost_runtime.addresses import host_and_port
from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

__all__ = ["TxtLookup", "TxtLookupError"]

_log = structlog.get_logger(__name__)

_SECONDS = 4.0
_TRY_SECONDS = 1.5
_MAX_TEXTS = 100
_MAX_LOOKUPS = 100
"""Look-ups at a time, of all tenants."""

_INTERVAL_SECONDS = 1.0
_BURST = 10
_MAX_TENANTS = 10_000


class TxtLookupError(Exception):
    """The DNS servers did not respond in time, or with an error."""


class TxtLookup:
    """Looks up TXT records for tenants, each of which may do so once a second.

    Args:
        server: The address of a DNS server, host:port; None for those of the machine.
        clock: Returns seconds of a steady clock.
    """

    def __init__(self, server: str | None, clock: Callable[[], float]) -> None:
        self._server = server
        self._clock = clock
        self._resolver: Resolver | None = None
        self._running = 0
        # When a tenant that had spread its look-ups evenly would have its next one.
        self._next: BoundedCache[int, float] = BoundedCache(_MAX_TENANTS)

    async def texts(self, tenant: int, name: str) -> list[str]:
        """Return the first 100 texts of a name; none if the name does not exist.

        Raises OVERLOADED, TxtLookupError.
        """
        self._admit(tenant)
        self._running += 1
        try:
            return await self._look_up(name)
        finally:
            self._running -= 1

    def _admit(self, tenant: int) -> None:
        now = self._clock()
        due = max(self._next.get(tenant, now), now)
        if self._running >= _MAX_LOOKUPS or due - now > (_BURST - 1) * _INTERVAL_SECONDS:
            raise HushpostError(
                Reason.OVERLOADED, "too many tracking domains are being checked; retry later"
            )
        self._next[tenant] = due + _INTERVAL_SECONDS

    async def _look_up(self, name: str) -> list[str]:
        # Imported here and in a thread, because it takes a tenth of a second, and most
        # authorities never need it.
        if self._resolver is None:
            self._resolver = await asyncio.to_thread(_new_resolver, self._server)
        from dns.exception import DNSException  # noqa: PLC0415 - see above
        from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415 - see above

        try:
            async with asyncio.timeout(_SECONDS):
                # The dot keeps the resolver from appending search domains.
                answer = await self._resolver.resolve(f"{name}.", "TXT", lifetime=_SECONDS)
        except (NXDOMAIN, NoAnswer):
            return []
        except (DNSException, OSError, TimeoutError) as error:
            _log.warning("DNS look-up failed", cause=type(error).__name__)
            raise TxtLookupError from None
        records = list(answer)[:_MAX_TEXTS]
        return [b"".join(record.strings).decode(errors="replace") for record in records]


def _new_resolver(server: str | None) -> "Resolver":
    """Return a resolver with a server, or with those of the machine. Raises TxtLookupError."""
    from dns.asyncresolver import Resolver  # noqa: PLC0415 - see `_look_up`
    from dns.nameserver import Do53Nameserver  # noqa: PLC0415 - see `_look_up`
    from dns.resolver import NoResolverConfiguration  # noqa: PLC0415 - see `_look_up`

    try:
        resolver = Resolver(configure=server is None)
    except NoResolverConfiguration:
        _log.error("DNS look-up failed", cause="NoResolverConfiguration")
        raise TxtLookupError from None
    if server is not None:
        resolver.nameservers = [Do53Nameserver(*host_and_port(server))]
    resolver.timeout = _TRY_SECONDS
    return resolver
