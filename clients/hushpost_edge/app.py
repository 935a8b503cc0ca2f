"""The composition root of a worker: puts its parts together when it starts."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from hushpost_edge.answers import Click, Pixel, not_here
from hushpost_edge.appender import Appender
from hushpost_edge.connection import connect_authority
from hushpost_edge.front import Front
from hushpost_edge.intake import Intake
from hushpost_edge.links import LinkStore
from hushpost_edge.lookup import Lookup
from hushpost_edge.ranges import AddressRanges
from hushpost_edge.settings import Settings
from hushpost_edge.spool import Spool
from hushpost_edge.spool_files import own_spool
from hushpost_edge.status import healthz, metrics, readyz
from hushpost_edge.verdict import Judge
from hushpost_runtime.garbage_collector import tune_garbage_collector
from hushpost_runtime.logging import configure_logging

__all__ = ["create"]

_log = structlog.get_logger(__name__)

_GC_THRESHOLDS = (20_000, 20, 20)
"""Requests create no reference cycles, so collections can be rare."""


def _now() -> int:
    return time.time_ns() // 1000


def create() -> Front:
    """Make the application; Granian calls this in each worker process."""
    settings = Settings.read()
    configure_logging(settings.log_level)
    _end_with_parent()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _put_together(settings, stack, app, front)
            tune_garbage_collector(*_GC_THRESHOLDS)
            _log.info("answering", address=settings.listen)
            yield
        _log.info("stopped")

    app = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
        lifespan=lifespan,
        exception_handlers={404: not_here},
    )
    # A redirect that adds a slash would be built from the Host header.
    app.router.redirect_slashes = False
    front = Front(app)
    return front


async def _put_together(
    settings: Settings, stack: AsyncExitStack, app: Starlette, front: Front
) -> None:
    links = LinkStore(settings.links_file)
    stack.callback(links.close)
    client = await stack.enter_async_context(connect_authority(settings))
    spool = Spool(stack.enter_context(own_spool(settings.spool_dir)), _now)
    stack.callback(spool.close)
    appender = Appender(spool, settings.spool_bytes // settings.workers)
    stack.push_async_callback(appender.close)
    proxies = AddressRanges(settings.trusted_proxies.split(","))
    intake = Intake(appender, Judge.from_files(settings), proxies, _now)
    app.state.links, app.state.appender = links, appender
    front.open(Click(Lookup(links, client.tracking), intake), Pixel(intake))


def _end_with_parent() -> None:
    """Stop in good order when the process that started this one is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=wait, name="parent", daemon=True).start()
