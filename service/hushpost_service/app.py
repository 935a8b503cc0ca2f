"""The composition root: builds the parts, serves, and shuts down gracefully."""

import asyncio
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial

import structlog
from prometheus_client import start_http_server

from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.garbage_collector import tune_garbage_collector
from hushpost_runtime.traces_setting import traces_from_environment
from hushpost_service.admin.auth import KEY_CONNECTIONS, Authenticator
from hushpost_service.admin.service import Admin
from hushpost_service.admin.tracking_domains import TrackingDomains
from hushpost_service.admin.txt_lookup import TxtLookup
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.campaigns.issuing import TokenIssuer
from hushpost_service.campaigns.preview import ModePreview
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.cpu_affinity import pin_to
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.release_limits import ReleaseLimits
from hushpost_service.domain.validation import MAX_BATCH
from hushpost_service.graceful_shutdown import GracefulShutdown, exit_after
from hushpost_service.maintenance.backlog_metrics import BacklogMetrics
from hushpost_service.maintenance.installation_metrics import describe_installation
from hushpost_service.maintenance.jobs import Maintenance
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.preferences.erasing import ContactEraser
from hushpost_service.preferences.reading import PreferenceReader
from hushpost_service.preferences.setting import PreferenceSetter
from hushpost_service.preferences.time_steps import TimeSteps
from hushpost_service.readiness import follow_clock, watch_database
from hushpost_service.releases.service import Releases
from hushpost_service.rpc.certificates import Certificates, certificates_of
from hushpost_service.rpc.load_shedding import ConcurrencyLimits
from hushpost_service.rpc.server import AddressError, Services, health_servers, server
from hushpost_service.settings import Settings
from hushpost_service.startup import (
    OpenedDatabase,
    opened_database,
    opened_keyring,
    session_name,
)
from hushpost_service.stats.service import Stats
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_clock import DatabaseClock
from hushpost_service.storage.pool_metrics import watch_pool
from hushpost_service.storage.server_settings import warn_about_unsafe_settings
from hushpost_service.thread_scheduling import threads_that_wait
from hushpost_service.tokens.codec import TokenCodec
from hushpost_service.tokens.spool_keys import SpoolKeys
from hushpost_service.tracking.event_modes_metric import EventModes
from hushpost_service.tracking.ingest import Ingest
from hushpost_service.tracking.recorder import Recorder

__all__ = ["serve"]

_log = structlog.get_logger(__name__)

_REJECTING_SECONDS = 0.5
"""gRPC ends calls that arrive while it stops as CANCELLED, which clients do not retry. So
for half of the retry delay of one second, new calls are rejected as UNAVAILABLE first."""

_STOP_SECONDS = 2.0
"""Time for the last responses after that."""

_LIMIT_SECONDS = 10.0
"""Time for all of this, and for closing the database, beyond that for calls in progress."""

_RESERVED_CONNECTIONS = 2
"""Database connections that the recorder leaves to everything else."""

_GC_THRESHOLDS = {"grpcio": (5_000, 50, 100), "native": (20_000, 50, 100)}
"""By transport. Higher than the defaults, but not by much: gRPC leaves a cycle of six objects per
call, and collecting many at once delays the calls in progress. The native transport leaves none."""

_SECOND_COMMIT_REQUESTS = {"grpcio": 40, "native": 24}
"""By transport: requests that wait, for which a second commit of a tenant starts. From 64 callers, it lets
the native transport record 15 % more clicks. With grpcio, whose own work takes all of a CPU, it would let
it record 7 % less, because commits are smaller then (`make bench ONLY=record_click_native_vs_echo` and
`ONLY=record_click_vs_echo`)."""


async def serve(
    settings: Settings, on_listening: Callable[[str], None], *, shares_addresses: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the calls in progress and return.

    `on_listening` is called with the address once the server accepts calls. A signal that
    comes earlier cancels the start. `shares_addresses` lets other processes listen on them, too.
    """
    task = asyncio.current_task()

    def cancel_start() -> None:
        exit_after(settings.shutdown_seconds + _LIMIT_SECONDS)
        _on_stop_signals(lambda: None)  # a second signal must not interrupt the clean-up
        if task is not None:
            task.cancel()

    _on_stop_signals(cancel_start)
    certificates = certificates_of(settings)
    # By default, SIGHUP would end the process.
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGHUP, certificates.request_reload if certificates else lambda: None
    )
    try:
        async with opened_database(settings, session_name(settings)) as opened:
            keyring = await opened_keyring(settings, opened.database)
            async with opened.database.connection("read settings") as connection:
                await warn_about_unsafe_settings(connection, opened.database.kind)
                describe_installation(connection, keyring)
            watch_pool("main", opened.database)
            async with _authenticator(opened) as authenticator:
                codec = TokenCodec(keyring)
                shutdown = GracefulShutdown()
                await _serve(
                    settings,
                    certificates,
                    opened,
                    codec,
                    SpoolKeys(keyring),
                    authenticator,
                    shutdown,
                    on_listening,
                    shares_addresses=shares_addresses,
                )
    except asyncio.CancelledError:
        _log.info("stopped during the start")


@asynccontextmanager
async def _authenticator(opened: OpenedDatabase) -> AsyncIterator[Authenticator]:
    """Yield an authenticator with connections of its own.

    Calls with unknown keys thus take no connection from other work, nor that from them.
    """
    database = await Database.connect(
        opened.dsn, connections=KEY_CONNECTIONS, kind=opened.database.kind
    )
    watch_pool("api_keys", database)
    try:
        yield Authenticator(database, time.monotonic)
    finally:
        await database.close()


def _on_stop_signals(action: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, action)


async def _serve(
    settings: Settings,
    certificates: Certificates | None,
    opened: OpenedDatabase,
    codec: TokenCodec,
    spool_keys: SpoolKeys,
    authenticator: Authenticator,
    shutdown: GracefulShutdown,
    on_listening: Callable[[str], None],
    *,
    shares_addresses: bool,
) -> None:
    if settings.cpu is not None:
        # Before gRPC starts threads, which inherit the affinity.
        pin_to({settings.cpu})
    traces = traces_from_environment("hushpost-authority")
    database = opened.database
    campaign_cache = CampaignCache(database, time.monotonic)
    clock = DatabaseClock(database)
    limits = ConcurrencyLimits(calls=settings.max_calls, events=settings.max_queued_events)
    contact_numbers = ContactNumbers(secrets.randbelow)
    event_modes = EventModes()
    recorder = Recorder(
        database,
        campaign_cache,
        clock,
        event_modes,
        # A safety net: the concurrency limits reject calls earlier and at less cost.
        max_queued_events=settings.max_calls + settings.max_queued_events + MAX_BATCH,
        connections=settings.connections - _RESERVED_CONNECTIONS,
        second_commit_requests=_SECOND_COMMIT_REQUESTS[settings.transport],
        traces=traces,
    )
    anonymizer = Anonymizer(database, campaign_cache, clock)
    vacuum = ContactVacuum(database)
    time_steps = TimeSteps(settings.opt_out_step_seconds)
    release_limits = ReleaseLimits(settings.max_epsilon, settings.allow_exact)
    campaigns = Campaigns(database, campaign_cache, release_limits, clock)
    services = Services(
        authenticator=authenticator,
        limits=limits,
        ingest=Ingest(codec, campaign_cache, recorder, clock),
        campaigns=campaigns,
        token_issuer=TokenIssuer(database, campaign_cache, codec, contact_numbers, vacuum, clock),
        mode_preview=ModePreview(database, campaign_cache, clock),
        preference_setter=PreferenceSetter(
            database, campaign_cache, anonymizer, contact_numbers, vacuum, time_steps, clock
        ),
        preference_reader=PreferenceReader(database, campaign_cache, codec, clock),
        contact_eraser=ContactEraser(database, anonymizer, vacuum, time_steps, clock),
        stats=Stats(database, campaign_cache),
        admin=Admin(database, campaign_cache, anonymizer, release_limits, clock),
        tracking_domains=TrackingDomains(
            database, TxtLookup(settings.dns_server, time.monotonic), settings.edge_host, clock
        ),
        spool_keys=spool_keys,
        shutdown=shutdown,
    )
    maintenance = Maintenance(database, campaign_cache, anonymizer, clock)
    await clock.measure(maintenance.create_partitions)
    if settings.metrics_listen:
        _serve_metrics(settings.metrics_listen)
    # On a CPU of its own only: elsewhere the threads would wait for those of other processes, too.
    with threads_that_wait() if settings.cpu is not None else nullcontext():
        main_server, health, address = server(
            services, settings, certificates, traces, shares_addresses=shares_addresses
        )
        servers = [
            main_server,
            *health_servers(health, settings, shares_addresses=shares_addresses),
        ]
        tune_garbage_collector(*_GC_THRESHOLDS[settings.transport])
        _on_stop_signals(shutdown.begin)
        await health.set_serving(serving=True)
        for each in servers:
            await each.start()
    background = [
        asyncio.create_task(authenticator.run_forever()),
        asyncio.create_task(maintenance.run_forever()),
        asyncio.create_task(Releases(database).run_forever()),
        asyncio.create_task(anonymizer.run_forever()),
        asyncio.create_task(vacuum.run_forever()),
        asyncio.create_task(event_modes.run_forever()),
        asyncio.create_task(watch_database(opened, health, campaign_cache)),
        asyncio.create_task(follow_clock(partial(clock.measure, maintenance.prepare_jump))),
    ]
    if settings.metrics_listen:
        reading = BacklogMetrics(database).run_forever(settings.metrics_seconds)
        background.append(asyncio.create_task(reading))
    if certificates is not None:
        background.append(asyncio.create_task(certificates.watch()))
    _log.info("listening", address=address)
    on_listening(address)

    await shutdown.wait_begun()
    exit_after(settings.shutdown_seconds + _LIMIT_SECONDS)
    _log.info("shutting down")
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await health.set_serving(serving=False)
    await shutdown.wait_idle(settings.shutdown_seconds)
    await asyncio.sleep(_REJECTING_SECONDS)
    await asyncio.gather(*(each.stop(_STOP_SECONDS) for each in servers))
    await recorder.close()
    await anonymizer.close()
    await authenticator.close()
    if traces is not None:
        await asyncio.to_thread(traces.close)
    _log.info("stopped")


def _serve_metrics(address: str) -> None:
    host, port = host_and_port(address)
    try:
        start_http_server(port, host)
    except OSError as error:
        raise AddressError(f"cannot serve metrics on {address}: {error.strerror}") from None
