"""Each date of a schedule is released once, also by several authorities that are killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hushpost_client import CampaignStats, Event, Hushpost, Mode, PolicyUpdate, Verdict
from tests.authority import AuthorityProcess
from tests.clocks import set_database_clock, with_adjustable_clock
from tests.conftest import Clients, RunningAuthority
from tests.inspection import connected, database_uri
from tests.mailing import clients_of, eventually

CAMPAIGNS = 30
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (2, 3, 4, 6, 8, 10))
CONTACTS = 20
LINKS = [f"https://shop.example.com/{number}" for number in range(20)]


@dataclass(frozen=True)
class Pair:
    """Two authorities with one database; the second one can be killed."""

    first: RunningAuthority
    second: AuthorityProcess
    clients: Clients


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two authorities, and clients of a tenant whose dates are seconds apart."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path / "first"))
        first = RunningAuthority.of(process)
        second = stack.enter_context(
            AuthorityProcess(
                tmp_path / "second",
                *("--keyring", str(process.data_dir / "keyring.json")),
                environment={"HUSHPOST_DATABASE_URL": database_uri(process.data_dir)},
            )
        )
        policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=DELAYS)
        yield Pair(first, second, await clients_of(stack, first, policy))


async def _send(clients: Clients, campaign_id: str) -> None:
    """Send a campaign to contacts of its own, and open all its mail."""
    contacts = [f"{campaign_id}-{number}" for number in range(CONTACTS)]
    await clients.sender.campaigns.create_campaign(campaign_id, links=LINKS, groups=["all"])
    issued = await clients.sender.campaigns.issue_tokens(campaign_id, "all", contacts)
    await clients.edge.tracking.record_events(
        [Event(token.token, verdict=Verdict.HUMAN) for token in issued.tokens if token.token]
    )


class Reader:
    """Reads reports all the time, and remembers what each release of a campaign contained."""

    def __init__(self, reporter: Hushpost) -> None:
        self._reporter = reporter
        self.seen: dict[tuple[str, datetime], set[CampaignStats]] = {}

    async def read(self, campaign_id: str) -> CampaignStats:
        """Read a report."""
        stats = await self._reporter.stats.get_campaign_stats(campaign_id)
        if stats.release.release_time is not None:
            key = campaign_id, stats.release.release_time
            self.seen.setdefault(key, set()).add(stats)
        return stats

    async def read_until_the_end(self, campaign_id: str) -> None:
        """Read until the last date has been released."""

        async def is_done() -> bool:
            release = (await self.read(campaign_id)).release
            return release.release_time is not None and release.next_release_time is None

        await eventually(is_done, "the last date is released", seconds=60, pause=0.2)


@pytest.mark.timeout(180)
async def test_killed_authorities_release_each_date_once(pair: Pair) -> None:
    """While one of two authorities is killed again and again, no release is made twice.

    Readers never see two versions of a release.
    """
    names = [f"campaign-{number}" for number in range(CAMPAIGNS)]
    for start in range(0, CAMPAIGNS, 10):
        await asyncio.gather(*(_send(pair.clients, name) for name in names[start : start + 10]))
    reader = Reader(pair.clients.reporter)
    reading = asyncio.gather(*(reader.read_until_the_end(name) for name in names))
    kills = 0
    while not reading.done():
        await asyncio.sleep(0.4)  # at another moment of the job each time
        pair.second.kill()
        kills += 1
        await asyncio.to_thread(pair.second.start)
    await reading
    assert kills >= 2
    assert len(reader.seen) >= CAMPAIGNS
    assert {len(versions) for versions in reader.seen.values()} == {1}
    async with connected(pair.first.process.data_dir) as connection:
        rows = await connection.fetch(
            "select campaign, array_agg(release_time order by releases.release) as times,"
            " array_agg(distinct counts) as counts from releases join lateral ("
            "  select count(*) as counts from released_counts"
            "  where released_counts.tenant = releases.tenant"
            "  and released_counts.campaign = releases.campaign"
            "  and released_counts.release = releases.release) as counted on true"
            " group by campaign"
        )
    assert len(rows) == CAMPAIGNS
    for _, times, counts in rows:
        assert times == sorted(set(times)), "a date is released before an earlier one"
        assert counts == [(2 + len(LINKS)) * 2 * 2], "no release is incomplete"


@pytest.mark.embedded
@pytest.mark.timeout(180)
async def test_jumps_of_the_clock_release_each_date_at_most_once(tmp_path: Path) -> None:
    """After a jump the latest date is released, and after a jump back none before the next."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        running = RunningAuthority.of(process)
        await with_adjustable_clock(process)
        clients = await clients_of(stack, running, PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        await _send(clients, "spring")
        reader = Reader(clients.reporter)

        async def releases() -> list[int]:
            async with connected(process.data_dir) as connection:
                rows = await connection.fetch(
                    "select releases.release from releases join campaigns using (tenant, campaign)"
                    " where campaign_id = 'spring' order by releases.release"
                )
            return [release for (release,) in rows]

        async def jump(shift: timedelta, expected: list[int]) -> None:
            await set_database_clock(process, shift)

            async def is_released() -> bool:
                await reader.read("spring")
                return await releases() == expected

            await eventually(is_released, f"{expected} are released")

        assert await releases() == []
        await jump(timedelta(hours=7), [0])
        await jump(timedelta(days=8), [0, 2])
        for shift in (timedelta(), timedelta(days=9), timedelta(hours=7)):
            await set_database_clock(process, shift)
            await _send(clients, f"another-{shift.days}-{shift.seconds}")
        await jump(timedelta(days=31), [0, 2, 3])
        assert (await reader.read("spring")).release.next_release_time is None
    assert {len(versions) for versions in reader.seen.values()} == {1}
