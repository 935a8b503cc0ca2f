"""The connections to the authority: one client per API key."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hushpost_client import TLS, Hushpost, RetryPolicy
from hushpost_dashboard.settings import Settings

__all__ = ["AuthorityClients", "TooManyClientsError", "connect", "read_tls"]

_MAX_CLIENTS = 256
_IDLE_SECONDS = 300.0
_TIMEOUT_SECONDS = 10.0


class TooManyClientsError(Exception):
    """As many API keys as possible are in use at this moment."""


def read_tls(settings: Settings) -> TLS | bool | None:
    """Return the client's TLS setting; None leaves the choice to the client. Raises OSError."""
    certificates = settings.read_certificates()
    return TLS(**certificates._asdict()) if certificates else settings.tls


def connect(settings: Settings) -> Callable[[str], Hushpost]:
    """Return a function that creates a client for an API key. Raises OSError."""
    tls = read_tls(settings)

    def create(api_key: str) -> Hushpost:
        return Hushpost.connect(
            settings.authority,
            api_key=api_key,
            tls=tls,
            timeout=_TIMEOUT_SECONDS,
            # Applies to streams; a page makes only calls that are not repeated.
            retry=RetryPolicy(max_tries=1, max_backoff=2.0),
        )

    return create


@dataclass(slots=True)
class _Entry:
    client: Hushpost
    users: int = 0
    used_at: float = 0.0


class AuthorityClients:
    """Shares one client among all requests with the same API key.

    At most 256 keys have a client. It is closed five minutes after its last use, or earlier
    if others need the place.

    Args:
        create: Creates the client of an API key.
        clock: Seconds of a steady clock.
    """

    def __init__(
        self, create: Callable[[str], Hushpost], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._create = create
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    @asynccontextmanager
    async def of_key(self, api_key: str) -> AsyncIterator[Hushpost]:
        """Lend the client of an API key. Raises TooManyClientsError."""
        entry = self._entries.get(api_key)
        if entry is None:
            await self._make_room()
            # Another request may have created it meanwhile.
            entry = self._entries.setdefault(api_key, _Entry(self._create(api_key)))
        entry.users += 1
        self._entries.move_to_end(api_key)
        try:
            yield entry.client
        finally:
            entry.users -= 1
            entry.used_at = self._clock()

    async def close(self) -> None:
        """Close all clients."""
        entries = list(self._entries.values())
        self._entries.clear()
        for entry in entries:
            await entry.client.close()

    async def _make_room(self) -> None:
        """Close clients that have not been used for long, and another one if that is not enough."""
        now = self._clock()
        idle = [key for key, entry in self._entries.items() if not entry.users]
        ended = [key for key in idle if now - self._entries[key].used_at > _IDLE_SECONDS]
        if not ended and len(self._entries) >= _MAX_CLIENTS:
            if not idle:
                raise TooManyClientsError
            ended = idle[:1]
        for entry in [self._entries.pop(key) for key in ended]:
            await entry.client.close()
