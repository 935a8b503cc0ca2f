"""`insert_per_event_vs_ours`: one insert and one commit per event, as trackers do today."""

import asyncio
import random
import re
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import asyncpg

from bench.child import Say
from bench.events import Batches
from bench.results import Figure, Result, Spread
from bench.scenario import SEED, Shape, engagement
from bench.site import Site, check_durability
from bench.tenant import opened_tenant

__all__ = ["TABLE", "measure", "table_of_rows"]

_CLIENTS = 64
_SECONDS = 3
_END_SECONDS = 20
_ROUNDS = 5
_SHAPE = Shape(20, 4000)
_OPTED_OUT = 0.2
_DATABASE = "bench_insert"

TABLE = """
create table events (
    campaign bigint not null,
    contact bigint not null,
    event_time timestamptz not null,
    tenant integer not null,
    slot integer not null,
    group_number smallint not null,
    signal smallint not null,
    verdict smallint not null,
    is_first boolean not null
);
create index events_contact on events ((contact >> 2));
create index events_campaign on events (campaign, (contact >> 10));
"""
"""The authority's table of identified events, without its partitions."""

_INSERT = """
\\set campaign random(1, 200)
\\set contact random(1, 100000)
\\set group random(1, 20)
\\set slot random(1, 5000)
\\set signal random(0, 5)
\\set verdict random(1, 4)
insert into events
    (campaign, contact, event_time, tenant, group_number, slot, signal, verdict, is_first)
values (:campaign, :contact, now(), 1, :group, :slot, :signal, :verdict, true);
"""


async def measure(site: Site, say: Say) -> list[Result]:
    """Record a fresh campaign in batches, then insert event by event, turn by turn."""
    ours: list[float] = []
    theirs: list[float] = []
    await table_of_rows(site, _DATABASE)
    async with opened_tenant(site, "inserting") as tenant:
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        batches = Batches(tenant)
        for turn in range(_ROUNDS + 1):
            say(f"round {turn} of {_ROUNDS}")
            rng = random.Random(SEED + turn)
            campaign_id = f"mailing-{turn}"
            events = engagement(await tenant.send(campaign_id, _SHAPE), rng)
            pair = await batches.rate(campaign_id, events, rng), await _inserted(site)
            if turn:  # the first one warms up
                ours.append(pair[0])
                theirs.append(pair[1])
    return [
        Figure.of_ratio(
            "insert_per_event_vs_ours",
            theirs,
            ours,
            reference=f"RecordEvents in batches, {_OPTED_OUT:.0%} anonymous, "
            f"{Spread.of(ours).median:,.0f} events/s",
            conditions=f"pgbench, {_CLIENTS} clients, prepared, an insert and a durable commit per "
            f"event, same columns and indexes: {Spread.of(theirs).median:,.0f} events/s",
        )
    ]


async def table_of_rows(site: Site, database: str) -> None:
    """Make a database on the authority's server, with a table like that of events in it."""
    connection = await asyncpg.connect(site.dsn)
    try:
        await check_durability(connection)
        await connection.execute(f"create database {database}")
    finally:
        await connection.close()
    connection = await asyncpg.connect(site.dsn, database=database)
    try:
        await connection.execute(TABLE)
    finally:
        await connection.close()


async def _inserted(site: Site) -> float:
    """Return rows per second."""
    with TemporaryDirectory(prefix="hushpost-bench-pgbench-") as folder:
        script = Path(folder) / "insert.sql"
        await asyncio.to_thread(script.write_text, _INSERT)
        said = await _pgbench(site, script)
    found = re.search(r"tps = ([0-9.]+)", said)
    assert found is not None, said
    failed = re.search(r"number of failed transactions: (\d+)", said)
    assert failed is None or int(failed[1]) == 0, said
    return float(found[1])


async def _pgbench(site: Site, script: Path) -> str:
    where = parse_qs(urlsplit(site.dsn).query)
    process = await asyncio.create_subprocess_exec(
        site.postgres / "pgbench",
        *("--no-vacuum", "--protocol=prepared", f"--file={script}"),
        *(f"--client={_CLIENTS}", "--jobs=1", f"--time={_SECONDS}"),
        *("--host", where["host"][0], "--port", where["port"][0], "--username=postgres"),
        _DATABASE,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS + _END_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode()
