"""Authorities with wrong clocks, and a database whose clock jumps."""

import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack, Event, Verdict
from tests.authority import AuthorityProcess
from tests.clocks import WallClock, set_database_clock, with_adjustable_clock
from tests.conftest import RunningAuthority
from tests.faults.extent import FULL
from tests.mailing import clients_of, eventually, send

DAY = timedelta(days=1)
JUMPS = [200 * DAY, -90 * DAY, timedelta()]
if FULL:
    JUMPS = [16 * DAY, 200 * DAY, timedelta(), -90 * DAY, timedelta()]


@pytest.mark.parametrize("shift", [-timedelta(hours=1), *([45 * DAY] if FULL else [])])
async def test_an_authority_with_a_wrong_clock_works(tmp_path: Path, shift: timedelta) -> None:
    """Events are judged and dated by the database's clock; the log names the difference."""
    environment = WallClock(tmp_path / "clock", shift).environment
    with AuthorityProcess(tmp_path, environment=environment, first_start=True) as process:
        async with AsyncExitStack() as stack:
            mailing = await send(await clients_of(stack, RunningAuthority.of(process)), ["ann"])
            tracking = mailing.clients.edge.tracking
            now = datetime.now(UTC)
            await tracking.record_open(mailing.tokens["ann"], open_time=now, verdict=Verdict.HUMAN)
            await mailing.open("ann")
            recorded = await tracking.record_events(
                [Event(mailing.tokens["ann"], event_time=now, verdict=Verdict.HUMAN)]
            )
            stats = await mailing.stats()
        assert recorded.rejected == ()
        assert stats.opens.human.identified.total == 3
        assert all(abs(hour.start_time - now) < timedelta(hours=2) for hour in stats.hours)
        assert "local clock differs" in process.log_file.read_text()


async def _jump(process: AuthorityProcess, shift: timedelta) -> None:
    """Set the database's clock, and wait until the authority has followed."""
    jumps = process.log_file.read_text().count("database clock jumped")
    await set_database_clock(process, shift)

    async def has_followed() -> bool:
        return process.log_file.read_text().count("database clock jumped") > jumps

    await eventually(has_followed, "the authority follows the clock")


async def test_jumps_of_the_database_clock_break_nothing(tmp_path: Path) -> None:
    """Before, during and after jumps of weeks, calls work and repeated requests count once."""
    with AuthorityProcess(tmp_path) as process:
        await with_adjustable_clock(process)
        async with AsyncExitStack() as stack:
            mailing = await send(await clients_of(stack, RunningAuthority.of(process)), ["ann"])
            tracking, token = mailing.clients.edge.tracking, mailing.tokens["ann"]
            requests = [uuid.uuid4()]
            await tracking.record_open(token, verdict=Verdict.HUMAN, request_id=requests[0])
            for shift in JUMPS:
                await _jump(process, shift)
                requests.append(uuid.uuid4())
                for request in requests:
                    await tracking.record_open(token, verdict=Verdict.HUMAN, request_id=request)
                await mailing.clients.sender.preferences.set_preference("bob", DoNotTrack.TRUE)
            stats = await mailing.stats()
        assert stats.opens.human.identified.total == len(requests)
        assert "transaction failed" not in process.log_file.read_text()
