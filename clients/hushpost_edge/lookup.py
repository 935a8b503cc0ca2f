"""Finds where a link leads: in memory, in the file, and only then at the authority."""

import asyncio
import sqlite3
from functools import lru_cache

import structlog
from cachetools import TTLCache

from hushpost_client import HushpostError, InvalidArgumentError, NotFoundError, Tracking
from hushpost_edge.links import LinkStore

__all__ = ["Lookup", "NoSuchLinkError", "UnresolvedLinkError"]

_log = structlog.get_logger(__name__)

_KEPT_LINKS = 65_536
_UNKNOWN_SECONDS = 10.0
_KEPT_UNKNOWN = 65_536
_RESOLVE_SECONDS = 2.0
_RESOLVE_AT_ONCE = 32
"""Whoever makes up campaign numbers shall not keep the authority busy."""


class NoSuchLinkError(Exception):
    """There is no such campaign, or it has no such link."""


class UnresolvedLinkError(Exception):
    """The link is not here, and the authority could not be asked."""


class Lookup:
    """Looks links up for one worker."""

    def __init__(self, store: LinkStore, tracking: Tracking) -> None:
        self._store = store
        self._tracking = tracking
        # lru_cache, because it is the fastest there is; it keeps no failures.
        self._kept = lru_cache(_KEPT_LINKS)(self._read)
        self._unknown: TTLCache[tuple[int, int], bool] = TTLCache(_KEPT_UNKNOWN, _UNKNOWN_SECONDS)
        self._asking: dict[tuple[int, int], asyncio.Task[bytes]] = {}

    def known(self, campaign: int, number: int) -> bytes | None:
        """Return where a link leads if that is known here."""
        try:
            return self._kept(campaign, number)
        except (KeyError, sqlite3.Error):
            return None

    async def resolve(self, token: str, campaign: int, number: int) -> bytes:
        """Ask the authority where a link leads; once, however many readers wait.

        Raises NoSuchLinkError, UnresolvedLinkError.
        """
        key = (campaign, number)
        if key in self._unknown:
            raise NoSuchLinkError
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= _RESOLVE_AT_ONCE:
                raise UnresolvedLinkError
            task = self._asking[key] = asyncio.create_task(self._ask(token, key))
            task.add_done_callback(lambda done: self._answered(key, done))
        # Shielded: a reader who goes away does not take the answer from the others.
        return await asyncio.shield(task)

    async def _ask(self, token: str, key: tuple[int, int]) -> bytes:
        campaign, number = key
        try:
            url = await self._tracking.resolve_link(token, number, timeout=_RESOLVE_SECONDS)
        except (NotFoundError, InvalidArgumentError):
            self._unknown[key] = True
            raise NoSuchLinkError from None
        except HushpostError as error:
            _log.warning("link not resolved", reason=error.reason)
            raise UnresolvedLinkError from None
        try:
            await asyncio.to_thread(self._store.add, campaign, number, url)
        except sqlite3.Error as error:
            # It redirects this time; the stream of links will bring it again.
            _log.error("link not kept", cause=error.sqlite_errorname)
        return url.encode()

    def _answered(self, key: tuple[int, int], done: asyncio.Task[bytes]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # looked at, also where no reader is left

    def _read(self, campaign: int, number: int) -> bytes:
        url = self._store.find(campaign, number)
        if url is None:
            raise KeyError(number)
        return url.encode()
