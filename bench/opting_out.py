"""`opt_out_p99_ms`: how long an opt-out takes that folds a thousand events, under load.

Opt-outs come when they are due. Each is followed by the bare thing beside it: one
row of a table of its own is updated and committed, on a connection of its own.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice

import asyncpg

from bench.child import Say
from bench.events import Batches
from bench.results import Figure, Result, percentile
from bench.scenario import LINKS, SEED, Shape, batches, event, request_id
from bench.schedule import Answers, at_rate
from bench.site import Site, check_durability
from bench.tenant import Tenant, opened_tenant
from hushpost.v1 import preference_pb2 as pb
from hushpost.v1.preference_pb2_grpc import PreferenceServiceStub
from hushpost.v1.privacy_pb2 import DoNotTrack
from hushpost.v1.tracking_pb2 import Event

__all__ = ["measure"]

_OPT_OUTS = 240
_WARM_UP = 20
_OPT_OUTS_A_SECOND = 20
_CAMPAIGNS = 10
_EVENTS_PER_CONTACT = 1000
_SHAPE = Shape(1, 5000)
_OTHERS_A_SECOND = 1000
_OTHERS_BATCH = 20
_TIMEOUT = 30


async def measure(site: Site, say: Say) -> list[Result]:
    """Give contacts a past, and have them opt out of it one after the other."""
    rng = random.Random(SEED)
    async with opened_tenant(site, "opting-out") as tenant, _opened_rows(site) as rows:
        say("sending mail")
        tokens = [await tenant.send(f"mailing-{number}", _SHAPE) for number in range(_CAMPAIGNS)]
        say(f"recording {_OPT_OUTS * _EVENTS_PER_CONTACT:,} events")
        past = [made for each in tokens for made in _past(each[:_OPT_OUTS], rng)]
        rng.shuffle(past)
        await Batches(tenant).send(past, rng)
        others = [token for each in tokens for token in each[_OPT_OUTS:]]
        say("opting out")
        async with asyncio.TaskGroup() as group:
            background = group.create_task(_others(tenant, others, rng))
            outcome, bare = await _opt_outs(tenant, rows, rng)
        (await background).check()
        await _check_folded(site)
    return [_figure(outcome, bare)]


def _past(tokens: Sequence[str], rng: random.Random) -> list[Event]:
    """Return the events of some contacts on one campaign."""
    count = _EVENTS_PER_CONTACT // _CAMPAIGNS
    return [event(token, rng.randint(0, len(LINKS)), rng) for token in tokens for _ in range(count)]


async def _others(tenant: Tenant, tokens: Sequence[str], rng: random.Random) -> Answers:
    """Record what others do, for as long as the opt-outs take."""
    count = round(_OPT_OUTS / _OPT_OUTS_A_SECOND * _OTHERS_A_SECOND)
    events = [event(rng.choice(tokens), rng.randint(0, len(LINKS)), rng) for _ in range(count)]
    requests = batches(events, _OTHERS_BATCH, rng)
    return await at_rate(Batches(tenant).record, requests, _OTHERS_A_SECOND / _OTHERS_BATCH)


async def _opt_outs(
    tenant: Tenant, rows: "asyncpg.Connection[asyncpg.Record]", rng: random.Random
) -> tuple[Answers, list[float]]:
    """Return what came of the opt-outs, and the seconds of each bare update."""
    stub = PreferenceServiceStub(tenant.channel)
    bare: list[float] = []
    one_at_a_time = asyncio.Lock()

    async def opt_out(request: pb.SetPreferenceRequest) -> None:
        await stub.SetPreference(request, metadata=tenant.sender_metadata, timeout=_TIMEOUT)

    async def update(place: int) -> None:
        async with one_at_a_time:
            start = time.perf_counter()
            await rows.execute("update bare set do_not_track = 3 where contact = $1", place)
            bare.append(time.perf_counter() - start)

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
        opted_out = group.create_task(at_rate(opt_out, requests, _OPT_OUTS_A_SECOND))
        # Half-way between two opt-outs.
        await asyncio.sleep(0.5 / _OPT_OUTS_A_SECOND)
        updates = await at_rate(update, range(_OPT_OUTS), _OPT_OUTS_A_SECOND)
    outcome = opted_out.result()
    for answers in (outcome, updates):
        answers.check()
    return outcome, bare


@asynccontextmanager
async def _opened_rows(site: Site) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect to the authority's server, and make a table with a row per opt-out."""
    connection = await asyncpg.connect(site.dsn)
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


async def _check_folded(site: Site) -> None:
    """Make sure that no row names the behaviour of anybody who opted out."""
    connection = await asyncpg.connect(site.dsn)
    try:
        opted_out = await connection.fetchval(
            "select count(*) from contacts where do_not_track = 3"
        )
        left = await connection.fetchval(
            "select count(*) from events join contacts using (tenant, contact)"
            " where do_not_track = 3"
        )
    finally:
        await connection.close()
    assert (opted_out, left) == (_OPT_OUTS, 0), f"{opted_out} opted out, {left} events are left"


def _figure(outcome: Answers, bare: Sequence[float]) -> Figure:
    latencies = [answer.seconds * 1000 for answer in outcome.answers[_WARM_UP:]]
    p99 = percentile(latencies, 0.99)
    bare_p99 = percentile([seconds * 1000 for seconds in bare[_WARM_UP:]], 0.99)
    return Figure(
        name="opt_out_p99_ms",
        value=p99,
        unit="ms",
        reference=f"one row updated and committed over asyncpg, p99 {bare_p99:.2f} ms",
        ratio=p99 / bare_p99,
        low=min(latencies),
        high=max(latencies),
        rounds=len(latencies),
        conditions=f"contacts with {_EVENTS_PER_CONTACT:,} events on {_CAMPAIGNS} campaigns, "
        f"{_OPT_OUTS_A_SECOND} opt-outs/s while {_OTHERS_A_SECOND:,} events/s of others are "
        f"recorded in the same groups; median {percentile(latencies, 0.5):.2f} ms; "
        "lowest and highest are of single opt-outs",
    )
