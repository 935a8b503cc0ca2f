"""Events that an authority rejects for a reason that passes are counted later, once."""

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.authority import AuthorityProcess
from tests.clocks import set_database_clock, with_adjustable_clock
from tests.inspection import connected
from tests.waiting import eventually

from .conftest import Counts, OwnAuthority, counts, send
from .edge_process import EdgeProcess
from .raw_http import get
from .test_outage import click, connect, files_with_tokens, metric

READERS = 50


async def _quarantined(edge: EdgeProcess, reason: str) -> int:
    """Return how many events are in quarantine, rounded up to a power of ten."""
    return int(await metric(edge, f'hushpost_edge_quarantine_events{{reason="{reason}"}}'))


async def test_clicks_rejected_by_a_slow_clock_are_counted_once_it_is_right(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """While the database's clock is an hour behind, clicks wait; then each is counted once.

    Kills of the edge and the authority in between lose or double nothing.
    """
    async with connect(process, own.sender_key) as sender:
        mailing = await send(sender, [f"reader-{number}" for number in range(READERS)])
    tokens = list(mailing.tokens.values())
    await with_adjustable_clock(process, -timedelta(hours=1))
    with EdgeProcess(folder, process.target, own.edge_key) as edge:
        await click(edge.port, tokens)
        await eventually(lambda: _quarantined(edge, "EVENT_TIME_IN_FUTURE"), 100)
        edge.kill()
        process.kill()
        await set_database_clock(process, timedelta())
        process.start()
        edge.start()
        async with connect(process, own.reporter_key) as reporter:
            expected = Counts(clicks=READERS, unique_clicks=READERS)
            await eventually(lambda: counts(reporter, mailing), expected, seconds=60)
            await eventually(lambda: _quarantined(edge, "EVENT_TIME_IN_FUTURE"), 0)
            await asyncio.sleep(1)
            assert await counts(reporter, mailing) == expected
        assert "events quarantined; will retry" in edge.log_file.read_text()
    assert files_with_tokens(folder, tokens) == []


async def test_unknown_campaigns_and_keys_wait_and_hold_up_nothing(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """Events of a campaign that the database lacks for a while are counted in the end.

    Events with an unknown key id wait, too; those with a damaged token are deleted.
    """
    async with connect(process, own.sender_key) as sender:
        lost, other = await send(sender, ["ann"]), await send(sender, ["bob"])
    token = lost.tokens["ann"]
    with EdgeProcess(folder, process.target, own.edge_key) as edge:
        assert process.stop() == 0  # forgets the campaigns that it has cached
        process.start()
        async with connected(process.data_dir) as database:
            await database.execute("create table lost as select * from campaigns")
            await database.execute("delete from campaigns where campaign_id = $1", lost.campaign_id)
        await click(edge.port, [token])
        await get(edge.port, f"/o/{token[:1]}R{token[2:]}.gif")  # another key id
        await get(edge.port, f"/o/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}.gif")
        await eventually(lambda: _quarantined(edge, "CAMPAIGN_NOT_FOUND"), 1)
        await eventually(lambda: _quarantined(edge, "TOKEN_KEY_UNKNOWN"), 1)
        await click(edge.port, [other.tokens["bob"]])
        async with connect(process, own.reporter_key) as reporter:
            expected = Counts(clicks=1, unique_clicks=1)
            await eventually(lambda: counts(reporter, other), expected)
            async with connected(process.data_dir) as database:
                await database.execute(
                    "insert into campaigns select * from lost where campaign_id = $1",
                    lost.campaign_id,
                )
            await eventually(lambda: counts(reporter, lost), expected, seconds=60)
        assert await _quarantined(edge, "TOKEN_KEY_UNKNOWN") == 1
        assert (
            await metric(edge, 'hushpost_edge_rejected_events_total{reason="TOKEN_INVALID"}') == 1
        )
