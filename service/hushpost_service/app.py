"""The composition root: puts the parts together, serves, and drains."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import start_http_server

from hushpost_runtime.garbage_collector import tune_garbage_collector
from hushpost_service.admin.auth import Authenticator
from hushpost_service.admin.service import Admin
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.campaigns.issuing import TokenIssuer
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.cpu_affinity import pin_to
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.validation import MAX_BATCH
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.maintenance.jobs import Maintenance
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.preferences.service import Preferences
from hushpost_service.rpc.load_shedding import ConcurrencyLimits
from hushpost_service.rpc.server import Health, Services, server
from hushpost_service.settings import Settings
from hushpost_service.stats.service import Stats
from hushpost_service.storage.campaigns import reserve_slots
from hushpost_service.storage.database import Database
from hushpost_service.storage.embedded import EmbeddedDatabase, EmbeddedDatabaseError
from hushpost_service.storage.schema import migrate
from hushpost_service.storage.server_settings import warn_of_settings
from hushpost_service.storage.tenants import tenant_ids
from hushpost_service.tokens.codec import TokenCodec
from hushpost_service.tokens.keyring import Keyring
from hushpost_service.tracking.ingest import Ingest
from hushpost_service.tracking.recorder import Recorder
from hushpost_service.tracking.slots import SlotPool

__all__ = ["opened_database", "serve"]

_log = structlog.get_logger(__name__)

_PROBE_SECONDS = 2.0
_LAST_ANSWERS_SECONDS = 2.0
_REFUSING_SECONDS = 0.5
_GC_THRESHOLDS = (5_000, 50, 100)
"""Higher than the defaults, but not by much: gRPC leaves a cycle of six objects per call,
and collecting many at once delays the calls in progress."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class OpenedDatabase:
    """A migrated database. `embedded` is None for an external one."""

    database: Database
    embedded: EmbeddedDatabase | None
    has_tenants: bool


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[OpenedDatabase]:
    """Connect to the database, the embedded one where there is no other, and migrate it."""
    embedded = None
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            embedded = EmbeddedDatabase(settings.data_dir)
            stack.push_async_callback(embedded.stop)
            dsn = await embedded.start()
        else:
            dsn = settings.database_url.get_secret_value()
        await migrate(dsn)
        database = await Database.connect(dsn, connections=settings.connections)
        stack.push_async_callback(database.close)
        async with database.connection("read tenants") as connection:
            has_tenants = bool(await tenant_ids(connection))
        yield OpenedDatabase(database, embedded, has_tenants)


def opened_keyring(settings: Settings, *, may_create: bool) -> Keyring:
    """Read the keyring; make one only for a database without tenants.

    With another keyring, no token of mail sent earlier would open: a missing
    file must not go unnoticed. Raises KeyringError.
    """
    path = settings.keyring_file
    if may_create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        Keyring.generate().save(path)
    return Keyring.load(path)


async def serve(settings: Settings, on_listening: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was taken, and return.

    `on_listening` gets the address once calls are answered.
    """
    shutdown = GracefulShutdown()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shutdown.begin)
    async with opened_database(settings) as opened:
        keyring = opened_keyring(settings, may_create=not opened.has_tenants)
        async with opened.database.connection("read settings") as connection:
            await warn_of_settings(connection)
        await _serve(settings, opened, TokenCodec(keyring), shutdown, on_listening)


async def _serve(
    settings: Settings,
    opened: OpenedDatabase,
    codec: TokenCodec,
    shutdown: GracefulShutdown,
    on_listening: Callable[[str], None],
) -> None:
    if settings.cpu is not None:
        # Before gRPC starts its threads, which stay with this one.
        pin_to({settings.cpu})
    database = opened.database
    campaign_cache = CampaignCache(database)

    async def reserve(tenant: int, campaign: int, group: int, count: int) -> int:
        async with database.connection("reserve slots") as connection:
            return await reserve_slots(connection, tenant, campaign, group, count)

    limits = ConcurrencyLimits(calls=settings.max_calls, events=settings.max_queued_events)
    slots = SlotPool(reserve)
    recorder = Recorder(
        database,
        campaign_cache,
        _now,
        # ConcurrencyLimits refuses sooner, and for less.
        max_queued_events=settings.max_calls + settings.max_queued_events + MAX_BATCH,
        # Two are left for everything else.
        connections=settings.connections - 2,
    )
    anonymizer = Anonymizer(database, campaign_cache, slots, _now)
    vacuum = ContactVacuum(database)
    campaigns = Campaigns(database, campaign_cache, _now)
    services = Services(
        authenticator=Authenticator(database, time.monotonic),
        limits=limits,
        ingest=Ingest(codec, campaign_cache, recorder, _now),
        campaigns=campaigns,
        token_issuer=TokenIssuer(database, campaign_cache, codec, slots, vacuum, _now),
        preferences=Preferences(database, campaign_cache, codec, anonymizer, vacuum, _now),
        stats=Stats(database, campaign_cache, _now),
        admin=Admin(database, campaign_cache, anonymizer, _now),
        shutdown=shutdown,
    )
    maintenance = Maintenance(database, campaign_cache, anonymizer, _now)
    await maintenance.prepare()
    grpc_server, health, address = server(services, settings)
    tune_garbage_collector(*_GC_THRESHOLDS)
    await grpc_server.start()
    if settings.metrics_listen:
        host, _, port = settings.metrics_listen.rpartition(":")
        start_http_server(int(port), host)
    background = [
        asyncio.create_task(maintenance.run_forever()),
        asyncio.create_task(anonymizer.run_forever()),
        asyncio.create_task(vacuum.run_forever()),
        asyncio.create_task(_probe(opened, health)),
    ]
    _log.info("listening", address=address)
    on_listening(address)

    await shutdown.begun()
    _log.info("draining")
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await health.set_serving(serving=False)
    await shutdown.idle(settings.shutdown_seconds)
    # gRPC ends calls that arrive while it stops as CANCELLED, which nobody
    # repeats. The guard refuses them as UNAVAILABLE with a delay of a second:
    # half of that later, whoever heeds it is silent.
    await asyncio.sleep(_REFUSING_SECONDS)
    await grpc_server.stop(_LAST_ANSWERS_SECONDS)
    await recorder.close()
    await anonymizer.close()
    _log.info("stopped")


async def _probe(opened: OpenedDatabase, health: Health) -> None:
    """Tell the health service whether the database answers; revive an embedded one."""
    while True:
        try:
            async with opened.database.connection("probe") as connection:
                await connection.execute("select 1")
        except HushpostError:
            await health.set_serving(serving=False)
            if opened.embedded is not None:
                with suppress(EmbeddedDatabaseError):
                    await opened.embedded.revive()
        else:
            await health.set_serving(serving=True)
        await asyncio.sleep(_PROBE_SECONDS)
