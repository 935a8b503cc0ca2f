"""Authenticates calls by API key, at a cost that callers without a valid key cannot raise.

Valid keys are cached. Malformed keys, and keys that were refused a moment ago, are refused
without the database. Other keys are looked up with a few connections of their own, each
key once at a time. Sources of refused calls are slowed down, and nothing more is received
from connections that go on nevertheless.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from prometheus_client import Counter

from hushpost_runtime.call_id import begin_call
from hushpost_service.admin.caller import Caller
from hushpost_service.admin.key_cache import KeyCache, key_ended
from hushpost_service.admin.peer_address import source_of
from hushpost_service.admin.refusal_throttle import RefusalThrottle
from hushpost_service.admin.secret import is_well_formed, secret_hash, wrapping_secret
from hushpost_service.admin.tarpit import Tarpit
from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage import api_keys
from hushpost_service.storage.api_keys import ApiKey
from hushpost_service.storage.database import Database

__all__ = ["KEY_CONNECTIONS", "Authenticator"]

KEY_CONNECTIONS = 4
"""Database connections for API keys: one checks cached keys, one looks up keys from sources of
wrong keys, and the others look up other keys."""

_REFUSED_SECONDS = 10.0
"""How long a refused key is not looked up again. A key that is created meanwhile has
another secret, so that only guessed, revoked and expired keys are affected."""

_MAX_REFUSED = 10_000
_MAX_LOOK_UPS = 1_000
_MAX_SLOW_LOOK_UPS = 100
_SCHEME = "bearer "
_REFUSALS = frozenset(
    {
        Reason.API_KEY_MISSING,
        Reason.API_KEY_INVALID,
        Reason.API_KEY_REVOKED,
        Reason.API_KEY_EXPIRED,
    }
)

_FAILURES = Counter(
    "hushpost_authentication_failures_total",
    "Calls without a valid API key, by reason; counted before they are held back.",
    ["reason"],
)
for _reason in _REFUSALS:
    _FAILURES.labels(_reason)


class Authenticator:
    """Finds the API key of an `authorization` header."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        """Authenticate with a pool of `KEY_CONNECTIONS` connections."""
        self._database = database
        self._monotonic = monotonic
        self._cache = KeyCache(database, monotonic)
        self._throttle = RefusalThrottle(monotonic, random.random)
        self._tarpit = Tarpit()
        self._refused: BoundedCache[bytes, tuple[float, HushpostError]] = BoundedCache(_MAX_REFUSED)
        self._look_ups: dict[str, asyncio.Task[Caller]] = {}
        self._lane = _Lane(KEY_CONNECTIONS - 2, _MAX_LOOK_UPS)
        self._slow_lane = _Lane(1, _MAX_SLOW_LOOK_UPS)

    def cached(self, authorization: str | None, peer: str) -> Caller | None:
        """Return the caller of a header if its key was found valid less than a second ago.

        Args:
            authorization: The header; None if the call has none.
            peer: The address of the client, as gRPC names it.
        """
        caller = self._cache.get(authorization or "")
        if caller is not None:
            self._tarpit.trust(peer)
        return caller

    async def caller(self, authorization: str | None, peer: str) -> Caller:
        """Return the caller of a header that is not cached.

        Args:
            authorization: The header; None if the call has none.
            peer: The address of the client, as gRPC names it.

        Raises API_KEY_MISSING, API_KEY_INVALID, API_KEY_REVOKED, API_KEY_EXPIRED,
        OVERLOADED, DATABASE_UNAVAILABLE.
        """
        source = source_of(peer)
        try:
            header = _checked(authorization)
            digest = secret_hash(_secret(header))
            self._check_not_refused(digest)
            caller = await self._looked_up(header, digest, self._lane_of(header, source))
        except HushpostError as error:
            if error.reason in _REFUSALS:
                _FAILURES.labels(error.reason).inc()
            if self._is_held_back(error.reason, source) and not await self._throttle.refuse(source):
                self._tarpit.stop(peer)
            raise
        self._tarpit.trust(peer)
        return caller

    def stream(self, caller: Caller) -> AbstractContextManager["asyncio.Future[HushpostError]"]:
        """Watch the key of an open stream; yields a future that gets the error to end it with."""
        return self._cache.stream(caller)

    def revoked(self, key: ApiKey) -> None:
        """Refuse a key from now on, and end its streams; call it after a revocation."""
        self._cache.end(key.secret_hash, key_ended(is_expired=False))

    async def run_forever(self) -> None:
        """Check the cached keys until cancelled."""
        await self._cache.run_forever()

    async def close(self) -> None:
        """Record the last use of keys; best effort."""
        with suppress(HushpostError):
            await self._cache.record_use()

    def _is_held_back(self, reason: Reason, source: str) -> bool:
        # Callers would repeat calls at once if the slow lane were full.
        is_slow_lane_full = reason is Reason.OVERLOADED and self._throttle.is_slow(source)
        return reason in _REFUSALS or is_slow_lane_full

    def _check_not_refused(self, digest: bytes) -> None:
        until, error = self._refused.get(digest, (0.0, None))
        if error is not None and until > self._monotonic():
            # Another object, because each raise adds to the traceback of an exception.
            raise HushpostError(error.reason, error.message)

    def _lane_of(self, header: str, source: str) -> "_Lane":
        """Return the lane in which to look up a key.

        Sources of many wrong keys share a slow lane. A new key that comes from one of them
        waits for few look-ups, and keys from other sources wait for none of theirs.
        """
        # A cached key whose check is late is not suspicious.
        is_suspicious = header not in self._cache and self._throttle.is_slow(source)
        return self._slow_lane if is_suspicious else self._lane

    async def _looked_up(self, header: str, digest: bytes, lane: "_Lane") -> Caller:
        """Look a key up; calls with the same key share one query."""
        look_up = self._look_ups.get(header)
        if look_up is None:
            lane.enter()
            look_up = asyncio.create_task(self._look_up(header, digest, lane))
            self._look_ups[header] = look_up
            look_up.add_done_callback(lambda done: self._end_look_up(header, lane, done))
        # A caller that goes away must not end the query for the others.
        await asyncio.wait((look_up,))
        return look_up.result()

    def _end_look_up(self, header: str, lane: "_Lane", done: "asyncio.Task[Caller]") -> None:
        lane.leave()
        del self._look_ups[header]
        if not done.cancelled():
            # Marks the error as handled: all calls that waited for it may have gone away.
            done.exception()

    async def _look_up(self, header: str, digest: bytes, lane: "_Lane") -> Caller:
        begin_call()
        async with lane.connections:
            start = self._monotonic()
            async with self._database.connection("authenticate") as connection:
                found = await api_keys.api_key_by_hash(connection, digest)
        if found is not None and found.revoke_time is None and not found.is_expired:
            caller = Caller(found, wrapping_secret(_secret(header)))
            self._cache.add(header, caller, start)
            return caller
        error = _invalid() if found is None else key_ended(is_expired=found.revoke_time is None)
        self._cache.discard(header)
        self._refused[digest] = (self._monotonic() + _REFUSED_SECONDS, error)
        raise error


class _Lane:
    """Connections for look-ups, and a bound on the look-ups that wait for them."""

    def __init__(self, connections: int, max_look_ups: int) -> None:
        self.connections = asyncio.Semaphore(connections)
        self._free = max_look_ups

    def enter(self) -> None:
        """Begin a look-up. Raises OVERLOADED."""
        if self._free == 0:
            raise _too_many()
        self._free -= 1

    def leave(self) -> None:
        """End a look-up."""
        self._free += 1


def _checked(authorization: str | None) -> str:
    """Return a header with a well-formed key. Raises API_KEY_MISSING, API_KEY_INVALID."""
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise HushpostError(
            Reason.API_KEY_MISSING,
            "the call needs an API key in its metadata: `authorization: Bearer hp_…`",
        )
    if not is_well_formed(_secret(authorization)):
        raise _invalid()
    return authorization


def _secret(authorization: str) -> str:
    return authorization[len(_SCHEME) :].strip()


def _invalid() -> HushpostError:
    return HushpostError(Reason.API_KEY_INVALID, "there is no such API key")


def _too_many() -> HushpostError:
    return HushpostError(Reason.OVERLOADED, "too many API keys are being looked up; retry later")
