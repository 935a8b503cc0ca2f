"""The courier: ships every spool and follows links, in a thread of the main process.

Not in the workers, where packing a batch would hold up readers. The main
process has nothing else to do than to wait for its workers' end.
"""

import asyncio
import os
import signal
import sqlite3
import threading
import time
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop

from hushpost_client import Tracking
from hushpost_edge import metrics
from hushpost_edge.connection import connect_authority
from hushpost_edge.following import follow_links
from hushpost_edge.links import LinkStore
from hushpost_edge.settings import Settings
from hushpost_edge.shipping import Shipping
from hushpost_edge.spool import Spool
from hushpost_edge.spool_files import all_spools

__all__ = ["Courier"]

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_STOP_SECONDS = 10.0


def _now() -> int:
    return time.time_ns() // 1000


def _opened(file: Path) -> Spool | None:
    try:
        return Spool(file, _now)
    except sqlite3.Error as error:
        _log.error("spool can't be opened", cause=error.sqlite_errorname)
        return None


class Courier:
    """Runs from `start` to `stop`, on a loop of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what is not shipped is shipped after the next start."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            uvloop.run(self._work())
        except BaseException as error:
            # Without its courier an edge would fill its disk and say nothing.
            _log.critical("the courier died", cause=type(error).__name__)
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(connect_authority(self._settings))
            links = LinkStore(self._settings.links_file)
            stack.callback(links.close)
            stack.push_async_callback(self._loop.shutdown_default_executor)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            background = [
                tasks.create_task(follow_links(links, client.tracking)),
                tasks.create_task(self._ship_all(client.tracking)),
            ]
            await self._stopping.wait()
            for task in background:
                task.cancel()

    async def _ship_all(self, tracking: Tracking) -> None:
        """Ship every spool file that there is, also those that turn up later."""
        shippings: dict[Path, Shipping] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                for file in all_spools(self._settings.spool_dir):
                    if file not in shippings and (spool := _opened(file)) is not None:
                        shippings[file] = Shipping(spool, tracking)
                        tasks.create_task(shippings[file].forever())
                loads = [shipping.load for shipping in shippings.values()]
                metrics.SPOOL_BYTES.set(sum(load.bytes for load in loads))
                metrics.OLDEST_SECONDS.set(max((load.seconds for load in loads), default=0.0))
                await asyncio.sleep(_LOOK_SECONDS)
