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
from hushpost_edge.intake import Intake
from hushpost_edge.links import LinkStore
from hushpost_edge.logs import configure_logs
from hushpost_edge.lookup import Lookup
from hushpost_edge.ranges import AddressRanges
from hushpost_edge.settings import Settings
from hushpost_edge.spool import Spool
from hushpost_edge.spool_files import own_spool
from hushpost_edge.status import Readiness, healthz, metrics
from hushpost_edge.verdict import Judge

__all__ = ["create"]

_log = structlog.get_logger(__name__)

_METHODS = ["GET", "HEAD"]


def _now() -> int:
    return time.time_ns() // 1000


def create() -> Starlette:
    """Make the application; Granian calls this in each worker process."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    _end_with_parent()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with _parts(app, settings):
            _log.info("answering", address=settings.listen)
            yield
        _log.info("stopped")

    app = Starlette(lifespan=lifespan, exception_handlers={404: not_here})
    # A redirect that adds a slash would be built from the Host header.
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def _parts(app: Starlette, settings: Settings) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        links = LinkStore(settings.links_file)
        stack.callback(links.close)
        client = await stack.enter_async_context(connect_authority(settings))
        spool = Spool(stack.enter_context(own_spool(settings.spool_dir)), _now)
        stack.callback(spool.close)
        appender = Appender(spool, settings.spool_bytes // settings.workers)
        stack.push_async_callback(appender.close)
        proxies = AddressRanges(settings.trusted_proxies.split(","))
        intake = Intake(appender, Judge.from_files(settings), proxies, _now)
        app.router.routes += [
            Route(
                "/c/{token}/{number}",
                Click(Lookup(links, client.tracking), intake),
                methods=_METHODS,
            ),
            Route("/o/{token:path}", Pixel(intake), methods=_METHODS),
            Route("/healthz", healthz),
            Route("/readyz", Readiness(links, appender).__call__),
            Route("/metrics", metrics),
        ]
        yield


def _end_with_parent() -> None:
    """Stop in good order when the process that started this one is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=wait, name="parent", daemon=True).start()
