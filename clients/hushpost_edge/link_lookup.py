"""Finds the URL of a link: in memory, in the local store, or from the authority."""

import asyncio
import sqlite3
from functools import lru_cache

import structlog
from cachetools import TTLCache

from hushpost_client import HushpostError, NotFoundError, Tracking
from hushpost_edge.ascii_url import ascii_url
from hushpost_edge.link_store import LinkStore
from hushpost_edge.sqlite import error_name
from hushpost_edge.token_header import token_for_lookup

__all__ = ["LinkLookup", "LinkNotFoundError", "LinkUnavailableError"]

_log = structlog.get_logger(__name__)

_CACHED_LINKS = 65_536
_CACHED_MISSES = 65_536
_MISS_SECONDS = 10.0
_RESOLVE_TIMEOUT_SECONDS = 2.0
_MAX_CONCURRENT_CALLS = 32
"""Protects the authority from requests with invented campaign numbers."""


class LinkNotFoundError(Exception):
    """The campaign does not exist, or it has no such link."""


class LinkUnavailableError(Exception):
    """The link is not stored locally, and the authority could not be called."""


class LinkLookup:
    """Looks up links for one worker, with caches for known and missing links."""

    def __init__(self, store: LinkStore, tracking: Tracking) -> None:
        self._store = store
        self._tracking = tracking
        # lru_cache is faster than cachetools, and does not cache exceptions.
        self._cached_find = lru_cache(_CACHED_LINKS)(self._find)
        self._missing: TTLCache[tuple[int, int], bool] = TTLCache(_CACHED_MISSES, _MISS_SECONDS)
        self._calls: dict[tuple[int, int], asyncio.Task[bytes]] = {}

    def find_local(self, campaign: int, number: int) -> bytes | None:
        """Return the URL of a link that is cached or stored locally, else None."""
        try:
            return self._cached_find(campaign, number)
        except (KeyError, sqlite3.Error):
            return None

    async def resolve(self, campaign: int, number: int) -> bytes:
        """Get the URL of a link from the authority and store it.

        Concurrent requests for the same link share one call.

        Raises:
            LinkNotFoundError: There is no such link.
            LinkUnavailableError: The call failed, or too many calls are in progress.
        """
        key = (campaign, number)
        if key in self._missing:
            raise LinkNotFoundError
        task = self._calls.get(key)
        if task is None:
            if len(self._calls) >= _MAX_CONCURRENT_CALLS:
                raise LinkUnavailableError
            task = self._calls[key] = asyncio.create_task(self._call(key))
            task.add_done_callback(lambda done: self._end_call(key, done))
        # Shielded, because other requests may be waiting for the same call.
        return await asyncio.shield(task)

    async def _call(self, key: tuple[int, int]) -> bytes:
        campaign, number = key
        try:
            url = await self._tracking.resolve_link(
                token_for_lookup(campaign), number, timeout=_RESOLVE_TIMEOUT_SECONDS
            )
        except NotFoundError:
            self._missing[key] = True
            raise LinkNotFoundError from None
        except HushpostError as error:
            _log.warning("resolving a link failed", reason=error.reason, call_id=error.call_id)
            raise LinkUnavailableError from None
        try:
            await asyncio.to_thread(self._store.add, campaign, number, url)
        except (sqlite3.Error, OSError) as error:
            # The redirect works all the same, and the stream of links delivers the link again.
            _log.error("storing a link failed", cause=error_name(error))
        return ascii_url(url)

    def _end_call(self, key: tuple[int, int], done: asyncio.Task[bytes]) -> None:
        del self._calls[key]
        if not done.cancelled():
            done.exception()  # marks it as retrieved, in case no request waits any more

    def _find(self, campaign: int, number: int) -> bytes:
        url = self._store.find(campaign, number)
        if url is None:
            raise KeyError(number)
        return ascii_url(url)
