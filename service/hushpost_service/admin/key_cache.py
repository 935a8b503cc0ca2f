"""Caches valid API keys, and checks several times per second that they still are.

The checks read the database instead of waiting for a notification: LISTEN does not work
through a transaction pooler, and a check also notices keys that were deleted or restored
by other means. A cached key is used for one second after its last successful check, so a
revocation takes effect within a second even if the checks fail.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hushpost_service.admin.caller import Caller
from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage import api_keys
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database

__all__ = ["KeyCache", "key_ended"]

_FRESH_SECONDS = 1.0
_CHECK_SECONDS = 0.4
"""Leaves more than half a second for a check to fail and for the next one to succeed."""

_RECORD_USE_SECONDS = 60.0
_MAX_KEYS = 10_000


@dataclass(slots=True)
class _Entry:
    caller: Caller
    checked_at: float
    is_used: bool = True


class KeyCache:
    """The valid API keys that were used, by `authorization` header."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._entries: BoundedCache[str, _Entry] = BoundedCache(_MAX_KEYS)
        self._streams: defaultdict[bytes, set[asyncio.Future[HushpostError]]] = defaultdict(set)
        self._ended_at = -math.inf

    def __contains__(self, authorization: str) -> bool:
        """Return whether a header's key is cached, whether or not it was checked lately."""
        return authorization in self._entries

    def get(self, authorization: str) -> Caller | None:
        """Return the caller of a header if its key was valid less than a second ago."""
        entry = self._entries.get(authorization)
        if entry is None or self._monotonic() - entry.checked_at > _FRESH_SECONDS:
            return None
        entry.is_used = True
        return entry.caller

    def add(self, authorization: str, caller: Caller, read_at: float) -> None:
        """Cache a caller whose key was read from the database by a query begun at `read_at`."""
        # What was read before a key ended may be outdated.
        if read_at > self._ended_at:
            self._entries[authorization] = _Entry(caller, read_at)

    def discard(self, authorization: str) -> None:
        """Remove a header whose key turned out to be invalid."""
        self._entries.pop(authorization, None)

    def end(self, secret_hash: bytes, error: HushpostError) -> None:
        """Remove a key that has been revoked or has expired, and end its streams."""
        self._ended_at = self._monotonic()
        for authorization, entry in list(self._entries.items()):
            if entry.caller.key.secret_hash == secret_hash:
                del self._entries[authorization]
        for ended in self._streams.get(secret_hash, ()):
            if not ended.done():
                ended.set_result(error)

    @contextmanager
    def stream(self, caller: Caller) -> Iterator["asyncio.Future[HushpostError]"]:
        """Check a key for as long as a stream is open.

        Yields a future that gets the error to end the stream with once the key ends.
        """
        streams = self._streams[caller.key.secret_hash]
        ended = asyncio.get_running_loop().create_future()
        streams.add(ended)
        try:
            yield ended
        finally:
            streams.remove(ended)
            if not streams:
                del self._streams[caller.key.secret_hash]

    async def check(self) -> None:
        """Check all cached keys and those of open streams."""
        start = self._monotonic()
        entries = list(self._entries.values())
        hashes = {entry.caller.key.secret_hash for entry in entries}
        hashes |= {
            secret_hash
            for secret_hash, streams in self._streams.items()
            if not all(ended.done() for ended in streams)
        }
        if not hashes:
            return
        async with self._database.connection("check api keys") as connection:
            ended = await api_keys.ended_api_keys(connection, hashes)
        for entry in entries:
            entry.checked_at = max(entry.checked_at, start)
        for secret_hash, is_expired in ended.items():
            self.end(secret_hash, key_ended(is_expired=is_expired))

    async def record_use(self) -> None:
        """Store the current date as the last use of the keys used since the previous call."""
        used = [entry for entry in self._entries.values() if entry.is_used]
        if not used:
            return
        numbers = sorted({entry.caller.key.number for entry in used})
        for entry in used:
            entry.is_used = False

        async def work(connection: Connection) -> None:
            await api_keys.record_use(connection, numbers)

        await self._database.transact("record use of api keys", work)

    async def run_forever(self) -> None:
        """Check the keys, and record their use once per minute, until cancelled."""
        record_at = self._monotonic()
        while True:
            with suppress(HushpostError):  # the storage layer has logged it
                await self.check()
                if self._monotonic() >= record_at:
                    record_at = self._monotonic() + _RECORD_USE_SECONDS
                    await self.record_use()
            await asyncio.sleep(_CHECK_SECONDS)


def key_ended(*, is_expired: bool) -> HushpostError:
    """Return the error for a key that has expired, or has been revoked."""
    if is_expired:
        return HushpostError(Reason.API_KEY_EXPIRED, "the API key has expired")
    return HushpostError(Reason.API_KEY_REVOKED, "the API key has been revoked")
