"""Knows the verified tracking domains, and keeps up with the authority."""

import asyncio
import sqlite3
import time
from contextlib import suppress

import structlog

from hushpost_client import Domains, HushpostError
from hushpost_edge.domain_store import DomainStore
from hushpost_edge.sqlite import error_name

__all__ = ["VerifiedDomains"]

_log = structlog.get_logger(__name__)

_PAGE_SIZE = 1_000
_SECONDS = 30.0
_MIN_SECONDS = 1.0
_MAX_SHARE = 0.1
"""Of the time that may be spent on reading the domains."""


class VerifiedDomains:
    """The verified domains of the tenants that the edge's API key is for.

    They are read from the authority every 30 seconds, and a second after someone asked for a name
    that is not known. While the authority is down, the last known ones remain.
    """

    def __init__(self, store: DomainStore, domains: Domains) -> None:
        self._store = store
        self._domains = domains
        try:
            self._names = store.names()
        except sqlite3.Error:
            self._names = frozenset()  # on a full disk, the file could not be created yet
        self._stored = self._names
        self._unknown_asked = asyncio.Event()
        self._is_failing = False

    def __contains__(self, name: object) -> bool:
        """Return whether a domain, in lower case, is verified."""
        if name in self._names:
            return True
        self._unknown_asked.set()
        return False

    async def keep(self) -> None:
        """Keep up with the authority until cancelled."""
        while True:
            start = time.monotonic()
            self._unknown_asked.clear()
            await self._refresh()
            # Anyone can make a proxy ask for unknown names.
            pause = max(_MIN_SECONDS, (time.monotonic() - start) / _MAX_SHARE)
            await asyncio.sleep(pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await self._unknown_asked.wait()

    async def _refresh(self) -> None:
        try:
            listed = self._domains.list_tracking_domains(page_size=_PAGE_SIZE)
            names = frozenset([domain.domain async for domain in listed])
        except HushpostError as error:
            # Once per outage, because anyone can cause a read a second.
            if not self._is_failing:
                _log.warning(
                    "reading tracking domains failed; will retry",
                    reason=error.reason,
                    call_id=error.call_id,
                )
            self._is_failing = True
            return
        self._is_failing = False
        self._names = names
        if names == self._stored:
            return
        add, remove = names - self._stored, self._stored - names
        try:
            await asyncio.to_thread(self._store.change, add=add, remove=remove)
            self._stored = names
        except (sqlite3.Error, OSError) as error:
            _log.error("storing tracking domains failed; will retry", cause=error_name(error))
