"""Authorities with wrong clocks, and a database whose clock jumps."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hushpost_client import Event, Verdict
from tests.authority import AuthorityProcess
from tests.clocks import shifted_clock
from tests.conftest import RunningAuthority
from tests.mailing import clients_of, send

DAY = timedelta(days=1)


def _running(process: AuthorityProcess) -> RunningAuthority:
    return RunningAuthority(process, process.target, process.admin_key())


@pytest.mark.parametrize("shift", [-timedelta(hours=1), 45 * DAY], ids=["behind", "ahead"])
async def test_an_authority_with_a_wrong_clock_works(tmp_path: Path, shift: timedelta) -> None:
    """Events are judged and dated by the database's clock; the log names the difference."""
    with AuthorityProcess(tmp_path, environment=shifted_clock(shift)) as process:
        async with AsyncExitStack() as stack:
            mailing = await send(await clients_of(stack, _running(process)), ["ann"])
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
