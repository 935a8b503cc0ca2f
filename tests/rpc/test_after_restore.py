"""The command `hushpost after-restore` on a database with releases that are due."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hushpost_client import Mode, PolicyUpdate
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import database_uri, on
from tests.mailing import clients_of, eventually, send

DELAYS = (timedelta(hours=1), timedelta(hours=30), timedelta(hours=300))

_AGE = """
update campaigns
set start_time = (start_time at time zone 'UTC' - $2::interval) at time zone 'UTC',
    next_release_time = (next_release_time at time zone 'UTC' - $2::interval) at time zone 'UTC'
where campaign_id = $1
"""
_RELEASES = """
select releases.release
from releases join campaigns using (tenant, campaign)
where campaign_id = $1
order by releases.release
"""
_NEXT_DELAY = """
select next_release_time - start_time from campaigns where campaign_id = $1
"""


@dataclass(frozen=True)
class Restored:
    """An authority that does not run, and whose database does.

    The campaign `lost` has been due for two hours, `missed` for half an hour, and `early` will
    be due in half an hour.
    """

    process: AuthorityProcess

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run the command."""
        return subprocess.run(
            [HUSHPOST, "after-restore", "--data-dir", self.process.data_dir, *options],
            env=self.process.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    async def age(self, campaign_id: str, hours: float) -> None:
        """Move the schedule of a campaign into the past."""
        async with on(database_uri(self.process.data_dir)) as database:
            await database.execute(_AGE, campaign_id, timedelta(hours=hours))

    async def releases(self, campaign_id: str) -> list[int]:
        """Return the positions of the dates that were released."""
        async with on(database_uri(self.process.data_dir)) as database:
            return [number for (number,) in await database.fetch(_RELEASES, campaign_id)]

    async def next_delay(self, campaign_id: str) -> timedelta:
        """Return which delay is next."""
        async with on(database_uri(self.process.data_dir)) as database:
            found = await database.fetchval(_NEXT_DELAY, campaign_id)
        assert isinstance(found, timedelta)
        return found

    async def released(self, campaign_id: str, numbers: list[int]) -> None:
        """Wait until exactly these dates are released."""

        async def holds() -> bool:
            return await self.releases(campaign_id) == numbers

        await eventually(holds, f"{campaign_id} has the releases {numbers}")


@pytest.fixture
async def restored(tmp_path: Path) -> AsyncIterator[Restored]:
    """Send three campaigns, and end the authority before a date is due."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=DELAYS)
        clients = await clients_of(stack, authority, policy)
        for name in ("lost", "missed", "early"):
            mailing = await send(clients, [f"{name}-ann"], name)
            await mailing.open(f"{name}-ann")
        process.kill()
        restored = Restored(process)
        for name, hours in (("lost", 3), ("missed", 1.5), ("early", 0.5)):
            await restored.age(name, hours)
        yield restored


async def test_dates_that_may_have_been_released_are_skipped(restored: Restored) -> None:
    """Dates due until the failure are skipped for good; later ones are released."""
    failure = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    done = restored.run("--until", failure)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "prepared; skipped the due releases of 1 campaigns\n"
    restored.process.start()
    await restored.released("missed", [0])
    assert await restored.next_delay("lost") == DELAYS[1]
    assert await restored.next_delay("early") == DELAYS[0]
    await restored.age("lost", 30)
    await restored.released("lost", [1])


async def test_by_default_all_dates_until_now_are_skipped(restored: Restored) -> None:
    """Without `--until`, everything that is due is skipped; a second run finds nothing."""
    assert restored.run().stdout == "prepared; skipped the due releases of 2 campaigns\n"
    assert restored.run().stdout == "prepared; skipped the due releases of 0 campaigns\n"
    restored.process.start()
    await restored.age("early", 1)
    await restored.released("early", [0])
    assert await restored.next_delay("missed") == DELAYS[1]
    assert await restored.releases("missed") == []


async def test_a_wrong_time_is_rejected(restored: Restored) -> None:
    """A time that is none, or in the future, is an error.

    Nothing is skipped then, so the authority releases the due date again: what the command
    prevents.
    """
    for until, message in (
        ("yesterday", "--until must be a time like 2026-11-28T15:04:05Z"),
        ("2999-01-01T00:00+02:00", "--until must not be in the future"),
    ):
        done = restored.run("--until", until)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"hushpost: {message}\n")
    restored.process.start()
    await restored.released("lost", [0])
