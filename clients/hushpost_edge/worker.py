"""The composition root of a worker process: the ASGI application and its parts."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from hushpost_edge.app_links import app_link_routes
from hushpost_edge.appender import Appender
from hushpost_edge.behaviour_memory import burst_detector, claim_mailbox, repeat_detector
from hushpost_edge.classifier import Classifier
from hushpost_edge.connection import connect_authority
from hushpost_edge.damaged_lookup import DamagedLookup
from hushpost_edge.event_recording import EventRecorder
from hushpost_edge.fast_path import FastPath
from hushpost_edge.general_pages import GeneralPages
from hushpost_edge.handlers import ClickHandler, PixelHandler
from hushpost_edge.link_lookup import LinkLookup
from hushpost_edge.link_store import LinkStore
from hushpost_edge.metrics import describe_edge
from hushpost_edge.page_templates import PageTemplates
from hushpost_edge.preference_page import PreferencePage
from hushpost_edge.request_tracing import TracedHandler, TracedRecorder
from hushpost_edge.settings import Settings
from hushpost_edge.shared_memory import SharedMemory
from hushpost_edge.spool import Spool
from hushpost_edge.spool_cipher import SpoolCipher, SpoolKey
from hushpost_edge.spool_files import claimed_spool_file
from hushpost_edge.spool_keys import check_stored
from hushpost_edge.status import healthz, metrics, readyz
from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.connection_drain import ConnectionDrain
from hushpost_runtime.garbage_collector import tune_garbage_collector
from hushpost_runtime.http_server import stop_with_parent
from hushpost_runtime.logging import configure_logging
from hushpost_runtime.traces_setting import traces_from_environment

__all__ = ["create_app"]

_log = structlog.get_logger(__name__)

_GC_THRESHOLDS = (20_000, 20, 20)
"""Requests create no reference cycles, so collections can be rare."""


def _now() -> int:
    return time.time_ns() // 1000


def create_app(settings: Settings, memory: SharedMemory) -> ConnectionDrain:
    """Create the ASGI application of a worker process. The memory is shared by all of them."""
    configure_logging(settings.log_level)
    stop_with_parent(settings.drain_seconds)
    describe_edge(settings.spool_bytes)

    templates = PageTemplates()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _start(settings, stack, app, fast_path, templates, memory)
            tune_garbage_collector(*_GC_THRESHOLDS)
            drain.start_on_sigterm()
            _log.info("listening", address=settings.listen)
            yield
        _log.info("stopped")

    pages = GeneralPages(templates)
    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            *app_link_routes(settings),
            *pages.routes(),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: pages.rejected, Exception: pages.rejected},
    )
    # Starlette would build the redirect to a path with a slash from the Host header.
    app.router.redirect_slashes = False
    fast_path = FastPath(app)
    app.state.drain = drain = ConnectionDrain(fast_path, settings.drain_seconds)
    return drain


@contextmanager
def _claimed_spool(settings: Settings, key: SpoolKey) -> Iterator[Spool]:
    """Claim and open a spool file. Raises sqlite3.Error, OSError."""
    check_stored(settings.keys_dir, key)
    with (
        claimed_spool_file(settings.spool_dir) as file,
        closing(Spool(file, _now, SpoolCipher(key))) as spool,
    ):
        yield spool


async def _start(
    settings: Settings,
    stack: AsyncExitStack,
    app: Starlette,
    fast_path: FastPath,
    templates: PageTemplates,
    memory: SharedMemory,
) -> None:
    """Create the parts that need a running event loop; the stack closes them."""
    links = LinkStore(settings.links_file)
    stack.callback(links.close)
    client = await stack.enter_async_context(connect_authority(settings))
    appender = Appender(
        partial(_claimed_spool, settings, SpoolKey.inherited()),
        settings.spool_bytes // settings.workers,
    )
    stack.push_async_callback(appender.close)
    trusted_proxies = AddressRanges(settings.trusted_proxies.split(","))
    traces = traces_from_environment("hushpost-edge")
    if traces is not None:
        stack.push_async_callback(asyncio.to_thread, traces.close)
    new_recorder = EventRecorder if traces is None else partial(TracedRecorder, traces)
    recorder = new_recorder(
        appender,
        Classifier.from_settings(settings),
        burst_detector(
            memory, claim_mailbox(memory), time.monotonic, shadow=settings.verdicts == "shadow"
        ),
        repeat_detector(memory, settings.repeat_window_seconds, time.monotonic),
        trusted_proxies,
        _now,
    )
    receiving = asyncio.create_task(recorder.receive_corrections_forever())
    stack.callback(receiving.cancel)
    app.state.links, app.state.appender = links, appender
    app.router.routes.extend(PreferencePage(client.preferences, templates).routes())
    click: ASGIApp = ClickHandler(
        LinkLookup(links, client.tracking),
        DamagedLookup(links, trusted_proxies, time.monotonic),
        recorder,
        GeneralPages(templates),
    )
    pixel: ASGIApp = PixelHandler(recorder)
    if traces is not None:
        click = TracedHandler(click, "click", traces)
        pixel = TracedHandler(pixel, "open", traces)
    fast_path.set_handlers(click=click, pixel=pixel)
