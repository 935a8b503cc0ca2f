"""An authority that is killed, stopped, flooded or loses its database counts every event once."""

import asyncio
import re
import shutil
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hushpost.v1 import tracking_pb2
from hushpost_client import (
    Count,
    DeadlineExceededError,
    DoNotTrack,
    ErrorReason,
    Event,
    Mode,
    PolicyUpdate,
    Release,
    ResourceExhaustedError,
    UnavailableError,
    Verdict,
)
from hushpost_service.storage.request_ids import PERIOD_SECONDS
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import Clients, TenantKeys, make_tenant
from tests.faults.load import (
    IMPATIENT,
    PatientAuthority,
    check_acknowledged,
    prepared,
    started,
    under_load,
)
from tests.inspection import connected, events_of, tenant_number
from tests.mailing import GROUP, clients_of, eventually, exact_count, send
from tests.wire import Wire, refused

PEOPLE = 1200
SOME = PEOPLE // 4
QUEUE_EVENTS = 10_000


@dataclass(frozen=True)
class World:
    """The authority, a tenant with exact counts, and its clients."""

    process: AuthorityProcess
    keys: TenantKeys
    patient: Clients
    impatient: Clients


@pytest.fixture(scope="module")
async def _world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An authority with a short queue."""
    folder = tmp_path_factory.mktemp("crashes")
    options = ("--max-queued-events", str(QUEUE_EVENTS), "--shutdown-seconds", "30")
    with AuthorityProcess(folder, *options) as process:
        patient = PatientAuthority(process, process.target, process.admin_key())
        impatient = PatientAuthority(process, process.target, patient.admin_key, IMPATIENT)
        keys = await make_tenant(patient, PolicyUpdate(release=Release.EXACT))
        async with AsyncExitStack() as stack:
            yield World(
                process,
                keys,
                await clients_of(stack, patient, keys=keys),
                await clients_of(stack, impatient, keys=keys),
            )


@pytest.fixture
async def world(_world: World) -> World:
    """The same authority, restarted if the previous test stopped it."""
    if _world.process.process.poll() is not None:
        await started(_world.process, _world.patient)
    return _world


async def test_every_event_counts_once_across_a_crash_of_the_authority(world: World) -> None:
    """With retries, kill -9 of the authority loses no event and counts none twice."""
    load = await prepared(world.patient, "killed", PEOPLE)
    async with under_load(load, after=SOME):
        world.process.kill()
        await started(world.process, world.patient)
    assert load.refused == []
    stats = await load.stats()
    half = PEOPLE // 2
    assert stats.opens.human.identified == Count(half, half)
    assert exact_count(stats.opens.human.anonymous) == Count(half, half)
    assert sum(hour.opens.human.identified.unique for hour in stats.hours) == half


async def test_acknowledged_events_survive_a_crash_of_the_authority(world: World) -> None:
    """Without retries, kill -9 of the authority loses no acknowledged event."""
    load = await prepared(world.impatient, "once", PEOPLE)
    async with under_load(load, after=SOME):
        world.process.kill()
        await started(world.process, world.patient)
    await check_acknowledged(world.patient, load)


async def test_every_event_counts_once_across_a_crash_of_the_database(world: World) -> None:
    """Calls are UNAVAILABLE while PostgreSQL is down; it restarts automatically; nothing is lost."""
    patient = await prepared(world.patient, "lost", PEOPLE)
    impatient = await prepared(world.impatient, "lost-once", PEOPLE)
    async with Wire(world.process.target) as wire, under_load(patient, after=SOME):
        health = asyncio.create_task(_health(wire, until=["SERVING", "NOT_SERVING", "SERVING"]))
        async with under_load(impatient, after=SOME):
            world.process.end_postgres(signal.SIGKILL)
        assert await health == ["SERVING", "NOT_SERVING", "SERVING"]
    assert impatient.refused
    for error in impatient.refused:
        assert isinstance(error, UnavailableError)
        assert error.reason is ErrorReason.DATABASE_UNAVAILABLE
        assert error.retry_after
    half = PEOPLE // 2
    opens = (await patient.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (
        Count(half, half),
        Count(half, half),
    )
    await check_acknowledged(world.patient, impatient)


async def test_an_opt_out_is_finished_after_a_crash(world: World) -> None:
    """An opt-out committed before kill -9 is anonymized after the next start."""
    mailing = await send(world.patient, ["ann"], "promised")
    await mailing.open("ann")
    async with connected(world.process.data_dir) as connection:
        tenant = await tenant_number(connection, world.keys.tenant_id)
        async with connection.transaction():
            await connection.execute("lock table counters in exclusive mode")
            with pytest.raises(DeadlineExceededError):
                await world.impatient.sender.preferences.set_preference(
                    "ann", DoNotTrack.TRUE, timeout=2
                )
            assert await events_of(connection, tenant, "ann") == 1
            world.process.kill()
        assert await connection.fetchval("select count(*) from anonymization_jobs") == 1
        await started(world.process, world.patient)

        async def is_anonymized() -> bool:
            return await events_of(connection, tenant, "ann") == 0

        await eventually(is_anonymized, "no row names ann")

        async def is_finished() -> bool:
            return await connection.fetchval("select count(*) from anonymization_jobs") == 0  # type: ignore[no-any-return]

        await eventually(is_finished, "the job is deleted")
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (Count(0, 0), Count(1, 1))
    stands = await world.patient.sender.preferences.get_preference("ann")
    assert stands.do_not_track is DoNotTrack.TRUE


async def test_a_policy_job_is_finished_after_a_crash(world: World) -> None:
    """A policy job interrupted by kill -9 continues at the next start; the policy applies throughout."""
    mailing = await send(world.patient, ["bob"], "policy")
    await mailing.open("bob")
    admin = world.patient.admin.admin
    async with connected(world.process.data_dir) as connection:
        async with connection.transaction():
            await connection.execute("lock table counters in exclusive mode")
            answer = await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.AGGREGATE))
            assert answer.anonymization is not None
            world.process.kill()
        await started(world.process, world.patient)

    async def is_done() -> bool:
        return (await admin.get_tenant()).anonymization is None

    await eventually(is_done, "the policy's job ends")
    await mailing.open("bob")
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous), exact_count(opens.aggregate).total) == (
        Count(0, 0),
        Count(0, 0),
        2,
    )
    await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.IDENTIFIED))


async def test_events_over_the_queue_limit_are_rejected(world: World) -> None:
    """Events over the queue limit are rejected as OVERLOADED and not recorded."""
    mailing = await send(world.impatient, ["cid"], "flood")
    tracking = world.impatient.edge.tracking
    event = Event(mailing.tokens["cid"], verdict=Verdict.HUMAN)
    request_id = uuid.uuid4()
    async with connected(world.process.data_dir) as connection:
        async with connection.transaction():
            await connection.execute("lock table counters in exclusive mode")
            taken = asyncio.create_task(tracking.record_events([event] * QUEUE_EVENTS))

            async def is_committing() -> bool:
                return bool(
                    await connection.fetchval(
                        "select exists (select from pg_locks where not granted)"
                    )
                )

            await eventually(is_committing, "a commit waits")
            with pytest.raises(ResourceExhaustedError) as refusal:
                await tracking.record_events([event, event], request_id=request_id)
        assert refusal.value.reason is ErrorReason.OVERLOADED
        assert refusal.value.retry_after
        assert (await taken).accepted_count == QUEUE_EVENTS
    assert (await mailing.stats()).opens.human.identified == Count(QUEUE_EVENTS, 1)
    answer = await tracking.record_events([event, event], request_id=request_id)
    assert answer.accepted_count == 2
    assert (await mailing.stats()).opens.human.identified == Count(QUEUE_EVENTS + 2, 1)


async def test_sigterm_commits_all_acknowledged_events(world: World) -> None:
    """SIGTERM under load: exit code 0, streams end, new calls are rejected, nothing is lost."""
    load = await prepared(world.impatient, "drained", PEOPLE)
    async with Wire(world.process.target) as wire:
        links = wire.stream("WatchLinks", tracking_pb2.WatchLinksRequest(), world.keys.edge_key)
        assert (await links.read()).cursor
        watching = asyncio.create_task(_end_of(links))
        async with under_load(load, after=SOME):
            assert await asyncio.to_thread(world.process.stop) == 0
        ended = await asyncio.wait_for(watching, 30)
        assert ended is not None
        assert refused(ended).reason == "SHUTTING_DOWN"
        assert refused(ended).retry_seconds
    assert load.refused
    assert world.process.postgres_pid() is None, "nothing is left running"
    await started(world.process, world.patient)
    await check_acknowledged(world.patient, load)


async def test_old_tokens_stay_valid_after_rotating_the_keyring(world: World) -> None:
    """After a rotation and a restart, new tokens have a new key id; old tokens still count."""
    mailing = await send(world.patient, ["eve", "fay"], "rotated")
    world.process.stop()
    await asyncio.to_thread(_rotate, world.process)
    await started(world.process, world.patient)
    issued = await world.patient.sender.campaigns.issue_tokens("rotated", GROUP, ["gus"])
    token = issued.tokens[0].token
    assert token
    assert token[:3] != mailing.tokens["eve"][:3], "version and key id"
    await mailing.open("eve")
    await mailing.clients.edge.tracking.record_open(token, verdict=Verdict.HUMAN)
    assert await mailing.engaged() == {"eve", "gus"}


async def test_a_missing_keyring_is_not_replaced(world: World) -> None:
    """With tenants in the database, a start without the keyring fails and creates no new one."""
    world.process.stop()
    keyring = world.process.data_dir / "keyring.json"
    aside = keyring.with_suffix(".aside")
    shutil.move(keyring, aside)
    try:
        with pytest.raises(AssertionError, match="did not start"):
            await asyncio.to_thread(world.process.start)
        assert world.process.process.returncode == 1
        last = world.process.log_file.read_text().splitlines()[-1]
        assert re.match(r"hushpost: .*keyring", last)
        assert not keyring.exists()
    finally:
        shutil.move(aside, keyring)
    await started(world.process, world.patient)


async def test_retention_deletes_events_and_drops_partitions(world: World) -> None:
    """After retention_days, events are deleted, counts stay, and old partitions are dropped."""
    mailing = await send(world.patient, ["old", "new"], "aged")
    then = datetime.now(UTC) - timedelta(days=25)
    old = mailing.tokens["old"]
    await world.patient.edge.tracking.record_events(
        [
            Event(old, link_number=number, event_time=then, verdict=Verdict.HUMAN)
            for number in (None, None, 1)
        ]
    )
    await mailing.open("old", "new")
    await world.patient.admin.admin.update_policy(PolicyUpdate(retention_days=20))
    before = await mailing.stats()
    assert before.opens.human.identified == Count(4, 2)
    useless = ("events_2001_02", f"request_ids_{_period() - 2}")
    async with connected(world.process.data_dir) as connection:
        await connection.execute(
            "create table events_2001_02 partition of events"
            " for values from ('2001-02-01T00:00:00Z') to ('2001-03-01T00:00:00Z');"
            f"create table {useless[1]} partition of request_ids for values in ({_period() - 2})"
        )
        tenant = await tenant_number(connection, world.keys.tenant_id)
    world.process.stop()
    await started(world.process, world.patient)
    async with connected(world.process.data_dir) as connection:

        async def are_dropped() -> bool:
            return not await connection.fetchval(
                "select count(*) from pg_class where relname = any($1)", list(useless)
            )

        await eventually(are_dropped, "old partitions are dropped")
        assert await events_of(connection, tenant, "old") == 0
        assert await events_of(connection, tenant, "new") == 1
        periods = await connection.fetch(
            "select relname from pg_class where relname = any($1)",
            [f"request_ids_{_period() + weeks}" for weeks in (-1, 0, 1)],
        )
        assert len(periods) == 3, "request ids of this week and the last are kept"
    after = await mailing.stats()
    assert (after.opens, after.clicks) == (before.opens, before.clicks)
    assert (after.sent, after.hours) == (before.sent, before.hours)
    await mailing.open("old")
    assert (await mailing.stats()).opens.human.identified == Count(5, 2)
    await world.patient.sender.preferences.set_preference("old", DoNotTrack.TRUE)
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (Count(4, 2), Count(1, 1))


@pytest.mark.embedded
async def test_no_log_names_a_contact(world: World) -> None:
    """Neither the authority's nor PostgreSQL's log contains contacts or tokens after these faults."""
    mailing = await send(world.patient, ["canary@example.com"], "logged")
    log = world.process.log_file.read_text()
    postgres = (world.process.data_dir / "postgres" / "log").read_text()
    assert "transaction failed" in log
    for word in ("canary", "known-", "hidden-", "example.com", *mailing.tokens.values()):
        assert word not in log
        assert word not in postgres
    assert "hp_" not in log + postgres


async def _health(wire: Wire, until: list[str]) -> list[str]:
    """Watch the health service until it has reported the given states in order."""
    request = health_pb2.HealthCheckRequest(service="hushpost.v1.TrackingService")
    watched = health_pb2_grpc.HealthStub(wire.channel).Watch(request, timeout=60)  # type: ignore[attr-defined] # typed without its stream
    seen: list[str] = []
    async for answer in watched:
        seen.append(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
        if seen == until:
            break
    watched.cancel()
    return seen


async def _end_of(stream: Any) -> grpc.aio.AioRpcError | None:
    """Read a stream to its end, and return its error."""
    try:
        while await stream.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return error
    return None


def _rotate(process: AuthorityProcess) -> None:
    """Add a key to the keyring, and activate it."""
    for step in ("add", "activate"):
        command = [str(HUSHPOST), "keyring", step, "--data-dir", str(process.data_dir)]
        subprocess.run(command, env=process.environment, capture_output=True, check=True)


def _period() -> int:
    return int(datetime.now(UTC).timestamp()) // PERIOD_SECONDS
