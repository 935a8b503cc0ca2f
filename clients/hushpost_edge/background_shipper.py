"""Ships all spool files and syncs links, in a thread of the main process.

The workers do not do this, because encoding a batch would delay their requests.
"""

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Collection
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvloop

from hushpost_client import Hushpost, Tracking
from hushpost_edge import metrics
from hushpost_edge.connection import connect_authority
from hushpost_edge.domain_ask import serve_asks
from hushpost_edge.link_store import LinkStore
from hushpost_edge.link_sync import sync_links
from hushpost_edge.retrier import Retrier
from hushpost_edge.settings import Settings
from hushpost_edge.spool import Spool
from hushpost_edge.spool_files import spool_files
from hushpost_edge.spool_keys import SpoolKeys
from hushpost_edge.sqlite import error_name
from hushpost_edge.uploader import Uploader

if TYPE_CHECKING:
    from hushpost_runtime.traces import Traces

__all__ = ["BackgroundShipper"]

_log = structlog.get_logger(__name__)

_SCAN_SECONDS = 1.0
_STOP_SECONDS = 5.0
_FORGET_SECONDS = 60.0


def _now() -> int:
    return time.time_ns() // 1000


class BackgroundShipper:
    """A thread with its own event loop. If it crashes, the edge is stopped."""

    def __init__(self, settings: Settings, keys: SpoolKeys, traces: "Traces | None" = None) -> None:
        self._settings = settings
        self._traces = traces
        self._keys = keys
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requested = asyncio.Event()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; events left in the spool are shipped after the next start."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop_requested.set)
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            uvloop.run(self._ship_and_sync())
        except BaseException as error:
            # Without a shipper, the spool would silently fill the disk.
            _log.critical("background shipper crashed; stopping", cause=type(error).__name__)
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    async def _ship_and_sync(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(self._client())
            links = LinkStore(self._settings.links_file)
            stack.callback(links.close)
            stack.push_async_callback(self._loop.shutdown_default_executor)
            task_group = await stack.enter_async_context(asyncio.TaskGroup())
            tasks = [
                task_group.create_task(sync_links(links, client.tracking)),
                task_group.create_task(self._keys.keep(client.tracking)),
                task_group.create_task(self._ship_spools(client.tracking)),
                task_group.create_task(self._forget_keys()),
            ]
            if self._settings.ask_listen is not None:
                tasks.append(
                    task_group.create_task(
                        serve_asks(
                            self._settings.ask_listen, self._settings.links_file, client.domains
                        )
                    )
                )
            await self._stop_requested.wait()
            for task in tasks:
                task.cancel()

    def _client(self) -> Hushpost:
        if self._traces is None:
            return connect_authority(self._settings)
        return connect_authority(self._settings, self._traces.headers)

    async def _ship_spools(self, tracking: Tracking) -> None:
        """Run an uploader and a retrier for each spool file, also for files that appear later."""
        shippers: dict[Path, tuple[Uploader, Retrier]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                for file in spool_files(self._settings.spool_dir):
                    if file not in shippers and (opened := self._open(file)) is not None:
                        spool, quarantined = opened
                        uploader = Uploader(
                            spool, tracking, self._settings.quarantine_bytes, self._traces
                        )
                        shippers[file] = uploader, Retrier(quarantined, tracking)
                        for shipper in shippers[file]:
                            tasks.create_task(shipper.run_forever())
                _report(shippers.values())
                await asyncio.sleep(_SCAN_SECONDS)

    def _open(self, file: Path) -> tuple[Spool, Spool] | None:
        """Open a spool file twice: connections cannot share a transaction."""
        cipher = self._keys.cipher
        try:
            return Spool(file, _now, cipher), Spool(file, _now, cipher)
        except (sqlite3.Error, OSError) as error:
            _log.error("opening a spool failed; will retry", cause=error_name(error))
            return None

    async def _forget_keys(self) -> None:
        """Delete keys of earlier runs once their events have left all spool files.

        Waits first: a worker of the run before may be writing its last events.
        """
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            try:
                await asyncio.to_thread(self._forget_unused_keys)
            except (sqlite3.Error, OSError) as error:
                _log.error("deleting old keys failed; will retry", cause=type(error).__name__)

    def _forget_unused_keys(self) -> None:
        earlier = self._keys.earlier()
        if not earlier:
            return
        with ExitStack() as stack:
            spools = [
                stack.enter_context(closing(Spool(file, _now, self._keys.cipher)))
                for file in spool_files(self._settings.spool_dir)
            ]
            for key_id in earlier:
                if not any(spool.uses_key(key_id) for spool in spools):
                    self._keys.forget(key_id)


def _report(shippers: Collection[tuple[Uploader, Retrier]]) -> None:
    """Set the metrics of all spool files."""
    backlogs = [uploader.backlog for uploader, _ in shippers]
    metrics.set_backlog(
        sum(backlog.bytes for backlog in backlogs),
        max((backlog.oldest_seconds for backlog in backlogs), default=0.0),
    )
    quarantined: Counter[str] = Counter()
    for _, retrier in shippers:
        quarantined.update(retrier.events)
    metrics.set_quarantine(
        quarantined, max((retrier.oldest_seconds for _, retrier in shippers), default=0)
    )
