"""`opt_out_p99_ms`: latency of an opt-out that anonymizes 1,000 events, under load.

Opt-outs are sent at a fixed rate. Half-way between two of them, the reference runs: one
row of a separate table is updated and committed over a separate connection.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import TypeAlias

import asyncpg

from bench.authority import Authority, check_durability
from bench.child_process import ReportProgress
from bench.load.call_results import CallResults
from bench.load.event_batches import BatchSender
from bench.load.open_loop import send_at_rate
from bench.results import Figure, Result, percentile
from bench.scenario import LINKS, SEED, MailingShape, batches, event, request_id
from bench.tenant import Tenant, create_tenant
from hushpost.v1 import preference_pb2 as pb
from hushpost.v1.preference_pb2_grpc import PreferenceServiceStub
from hushpost.v1.privacy_pb2 import DoNotTrack
from hushpost.v1.tracking_pb2 import Event

__all__ = ["measure"]

_OPT_OUTS = 240
_WARM_UP = 20
_OPT_OUTS_PER_SECOND = 20
_CAMPAIGNS = 10
_EVENTS_PER_CONTACT = 1000
_SHAPE = MailingShape(1, 5000)
_OTHER_EVENTS_PER_SECOND = 1000
_OTHER_BATCH = 20
_TIMEOUT = 30

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Record events of some contacts, then have them opt out one after the other."""
    rng = random.Random(SEED)
    async with (
        create_tenant(authority, "opting-out") as tenant,
        _connect_update_reference(authority) as connection,
    ):
        report_progress("issuing tokens")
        tokens = [
            await tenant.send_campaign(f"mailing-{number}", _SHAPE) for number in range(_CAMPAIGNS)
        ]
        report_progress(f"recording {_OPT_OUTS * _EVENTS_PER_CONTACT:,} events")
        history = [
            past_event
            for campaign_tokens in tokens
            for past_event in _past_events(campaign_tokens[:_OPT_OUTS], rng)
        ]
        rng.shuffle(history)
        await BatchSender(tenant).send_all(history, rng)
        other_tokens = [
            token for campaign_tokens in tokens for token in campaign_tokens[_OPT_OUTS:]
        ]
        report_progress("opting out")
        async with asyncio.TaskGroup() as group:
            background = group.create_task(_record_other_events(tenant, other_tokens, rng))
            opt_outs, updates = await _opt_out(tenant, connection, rng)
        (await background).check()
        await _check_anonymized(authority)
    return [_figure(opt_outs, updates)]


def _past_events(tokens: Sequence[str], rng: random.Random) -> list[Event]:
    """Return the events of some contacts in one campaign."""
    count = _EVENTS_PER_CONTACT // _CAMPAIGNS
    return [event(token, rng.randint(0, len(LINKS)), rng) for token in tokens for _ in range(count)]


async def _record_other_events(
    tenant: Tenant, tokens: Sequence[str], rng: random.Random
) -> CallResults:
    """Record events of other contacts for as long as the opt-outs take."""
    count = round(_OPT_OUTS / _OPT_OUTS_PER_SECOND * _OTHER_EVENTS_PER_SECOND)
    events = [event(rng.choice(tokens), rng.randint(0, len(LINKS)), rng) for _ in range(count)]
    requests = batches(events, _OTHER_BATCH, rng)
    rate = _OTHER_EVENTS_PER_SECOND / _OTHER_BATCH
    return await send_at_rate(BatchSender(tenant).send, requests, rate)


async def _opt_out(
    tenant: Tenant, connection: Connection, rng: random.Random
) -> tuple[CallResults, list[float]]:
    """Return the results of the opt-outs, and the seconds of each reference update."""
    stub = PreferenceServiceStub(tenant.channel)
    update_seconds: list[float] = []
    connection_lock = asyncio.Lock()

    async def opt_out(request: pb.SetPreferenceRequest) -> None:
        await stub.SetPreference(request, metadata=tenant.sender_metadata, timeout=_TIMEOUT)

    async def update(contact: int) -> None:
        async with connection_lock:
            start = time.perf_counter()
            await connection.execute("update bare set do_not_track = 3 where contact = $1", contact)
            update_seconds.append(time.perf_counter() - start)

    contact_ids = islice(_SHAPE.contact_ids()["group-00"], _OPT_OUTS)
    requests = [
        pb.SetPreferenceRequest(
            contact_id=contact_id,
            do_not_track=DoNotTrack.DO_NOT_TRACK_TRUE,
            request_id=request_id(rng),
        )
        for contact_id in contact_ids
    ]
    async with asyncio.TaskGroup() as group:
        opting_out = group.create_task(send_at_rate(opt_out, requests, _OPT_OUTS_PER_SECOND))
        # Half-way between two opt-outs.
        await asyncio.sleep(0.5 / _OPT_OUTS_PER_SECOND)
        updates = await send_at_rate(update, range(_OPT_OUTS), _OPT_OUTS_PER_SECOND)
    opt_outs = opting_out.result()
    opt_outs.check()
    updates.check()
    return opt_outs, update_seconds


@asynccontextmanager
async def _connect_update_reference(authority: Authority) -> AsyncIterator[Connection]:
    """Connect to the authority's PostgreSQL and create a table with one row per opt-out."""
    connection = await asyncpg.connect(authority.dsn)
    try:
        await check_durability(connection)
        await connection.execute(
            "create table bare (contact integer primary key, do_not_track smallint not null)"
        )
        await connection.execute(
            "insert into bare select n, 0 from generate_series(0, $1::integer) as n", _OPT_OUTS
        )
        yield connection
    finally:
        await connection.close()


async def _check_anonymized(authority: Authority) -> None:
    """Assert that no event row names a contact that opted out."""
    connection = await asyncpg.connect(authority.dsn)
    try:
        opted_out = await connection.fetchval(
            "select count(*) from contacts where opens_consent in (3, 4)"
        )
        remaining = await connection.fetchval(
            "select count(*) from events join contacts using (tenant, contact)"
            " where opens_consent in (3, 4)"
        )
    finally:
        await connection.close()
    assert (opted_out, remaining) == (_OPT_OUTS, 0), (
        f"{opted_out} contacts opted out, {remaining} of their events remain"
    )


def _figure(opt_outs: CallResults, update_seconds: Sequence[float]) -> Figure:
    latencies = [call.latency * 1000 for call in opt_outs.calls[_WARM_UP:]]
    p99 = percentile(latencies, 0.99)
    update_p99 = percentile([seconds * 1000 for seconds in update_seconds[_WARM_UP:]], 0.99)
    return Figure(
        name="opt_out_p99_ms",
        value=p99,
        unit="ms",
        reference=f"update and commit of one row over asyncpg, p99 {update_p99:.2f} ms",
        ratio=p99 / update_p99,
        low=min(latencies),
        high=max(latencies),
        rounds=len(latencies),
        conditions=f"contacts with {_EVENTS_PER_CONTACT:,} events in {_CAMPAIGNS} campaigns, "
        f"{_OPT_OUTS_PER_SECOND} opt-outs/s while {_OTHER_EVENTS_PER_SECOND:,} events/s of other "
        f"contacts are recorded in the same groups; median {percentile(latencies, 0.5):.2f} ms; "
        "lowest and highest are of single opt-outs",
    )
