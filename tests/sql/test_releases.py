"""The release job on a database: what it counts, and that each date is released once."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from asyncpg import BitString

from hushpost_service.domain.cells import ANY_LINK, OPENS, SHARED, ReleasedCell
from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.counters import slot_bits
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release_plan import LINKS_PER_CONTACT, MIN_CELL
from hushpost_service.releases import service
from hushpost_service.releases.service import Releases
from hushpost_service.storage import releases as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database

TENANT = 9
HOUR = 3600
FAR = 60
"""More messages than noise ever adds: 20 times its scale."""

_numbers = random.Random(1)  # noqa: S311 - numbers of campaigns, not secrets

_CAMPAIGN = """
insert into campaigns (
    tenant, campaign, campaign_id, display_name, search_text, create_time, release, epsilon, release_delays,
    issue_key_digest, max_mode, start_time, next_release_time
)
select $1::integer, $2::bigint, $2::text, '', $2::text, start, 1, 2, $3::integer[], '', 1, start,
    start + $3[1] * interval '1 second'
from (select now() - $4 * interval '1 second' as start) as started
"""

_GROUP = """
insert into campaign_groups (
    tenant, campaign, group_number, group_id, max_mode, expected_messages
)
values ($1, $2, $3, $3::integer::text, 1, 1)
"""

_SEND = """
insert into sent values ($1, $2, $3, $4, $5, 0, $6)
on conflict (tenant, campaign, group_number, purpose, mode, hour)
do update set messages = sent.messages + excluded.messages
"""

_MARK = """
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
values ($1, $2, $3, $4, $5, $6, 0, $7)
"""


@dataclass
class Sent:
    """A campaign in the database whose first message was sent some hours ago."""

    database: Database
    number: int

    async def execute(self, statement: str, *arguments: Any) -> None:
        """Run a statement whose first parameters are tenant and campaign."""
        async with self.database.connection("test") as connection:
            await connection.execute(statement, TENANT, self.number, *arguments)

    async def send(self, group: int, mode: Mode, messages: int, of_clicks: Mode = Mode.OFF) -> None:
        """Count messages as sent, in a mode of opens and one of clicks."""
        for purpose, of_purpose in ((Purpose.OPENS, mode), (Purpose.CLICKS, of_clicks)):
            await self.execute(_SEND, group, purpose, of_purpose, messages)

    async def mark(
        self, group: int, signal: int, slots: Iterable[int], mode: int = 2, *, machine: bool = False
    ) -> None:
        """Record events of slots of the first chunk."""
        bits = BitString.frombytes(slot_bits(signal, slots))
        await self.execute(_MARK, group, signal, machine, mode, bits)

    async def count(self, group: int, signal: int, events: int, mode: int = 3) -> None:
        """Count events."""
        await self.execute(
            "insert into counters values ($1, $2, $3, $4, false, $5, 0, $6, 0)",
            group,
            signal,
            mode,
            events,
        )

    async def released(self) -> dict[int, dict[ReleasedCell, int]]:
        """Return the counts of each release."""
        async with self.database.connection("test") as connection:
            dates = await connection.fetch(
                "select release from releases where tenant = $1 and campaign = $2 order by release",
                TENANT,
                self.number,
            )
            return {
                date: await storage.released_counts(connection, TENANT, self.number, date)
                for (date,) in dates
            }

    async def next_time(self) -> datetime | None:
        """Return when the next release is due."""
        async with self.database.connection("test") as connection:
            state = await storage.release_state(connection, TENANT, self.number)
        assert state is not None
        return state.next_time

    async def age(self, hours: float) -> None:
        """Let time pass: move the schedule into the past."""
        await self.execute(
            "update campaigns set start_time = start_time - $3 * interval '1 hour',"
            " next_release_time = next_release_time - $3 * interval '1 hour'"
            " where tenant = $1 and campaign = $2",
            hours,
        )


async def sent_campaign(
    database: Database,
    groups: int,
    links: int,
    delays: Sequence[int] = (6 * HOUR, 24 * HOUR, 168 * HOUR),
    hours: float = 7,
) -> Sent:
    """Insert a campaign that was sent some hours ago."""
    campaign = Sent(database, TENANT << 40 | _numbers.getrandbits(40))
    await campaign.execute(_CAMPAIGN, list(delays), hours * HOUR)
    for group in range(1, groups + 1):
        await campaign.execute(_GROUP, group)
    for link in range(1, links + 1):
        await campaign.execute("insert into links values ($1, $2, $3, '', '', 0)", link)
    return campaign


@pytest.fixture
def no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases are exact, so that tests can check what is counted."""
    monkeypatch.setattr(service, "with_noise", lambda counts, _scales: counts)


def people(cell: int, signal: int, *, machine: bool = False) -> ReleasedCell:
    """Return the cell of people."""
    return ReleasedCell(cell, signal, machine, Mode.ANONYMOUS)


@pytest.mark.usefixtures("no_noise")
async def test_a_slot_counts_once(database: Database) -> None:
    """People are slots, whether their events were anonymous, anonymized or both."""
    campaign = await sent_campaign(database, groups=2, links=2)
    await campaign.send(1, Mode.ANONYMOUS, MIN_CELL + FAR)
    await campaign.mark(1, OPENS, range(10))
    await campaign.mark(1, OPENS, range(8, 15), mode=12)
    await campaign.mark(2, OPENS, range(3))
    await campaign.mark(1, 1, range(5))
    await campaign.mark(1, 2, range(3, 9), mode=12)
    await campaign.mark(1, 1, range(7), machine=True)
    await campaign.mark(1, OPENS, range(100, 200), mode=1)
    await Releases(database).run_once()
    counts = (await campaign.released())[0]
    assert counts[people(1, OPENS)] == 15
    assert counts[people(SHARED, OPENS)] == 3
    assert counts[people(1, ANY_LINK)] == 9
    assert counts[people(1, ANY_LINK, machine=True)] == 7


@pytest.mark.usefixtures("no_noise")
async def test_a_slot_counts_on_a_limited_number_of_links(database: Database) -> None:
    """Who clicked many links counts on some of them, whether before or after an opt-out."""
    links = LINKS_PER_CONTACT + 3
    campaign = await sent_campaign(database, groups=2, links=links)
    for link in range(1, links + 1):
        await campaign.mark(1, link, range(100), mode=2 if link % 2 else 12)
    await campaign.mark(2, 1, range(7))
    await Releases(database).run_once()
    counts = (await campaign.released())[0]
    by_link = [counts[people(SHARED, link)] for link in range(1, links + 1)]
    assert sum(by_link) == LINKS_PER_CONTACT * 100 + 7
    assert all(0 < number < 100 for number in by_link), "the links are chosen at random"


@pytest.mark.usefixtures("no_noise")
async def test_aggregate_events_are_counted(database: Database) -> None:
    """In mode AGGREGATE, events are counted, anonymized ones included."""
    campaign = await sent_campaign(database, groups=1, links=2)
    await campaign.count(1, OPENS, 4)
    await campaign.count(1, OPENS, 3, mode=13)
    await campaign.count(1, 2, 5)
    await campaign.count(1, OPENS, 9, mode=2)
    await Releases(database).run_once()
    counts = (await campaign.released())[0]
    found = {cell: count for cell, count in counts.items() if count}
    assert found == {
        ReleasedCell(SHARED, OPENS, False, Mode.AGGREGATE): 7,  # noqa: FBT003 - as in the database
        ReleasedCell(SHARED, ANY_LINK, False, Mode.AGGREGATE): 5,  # noqa: FBT003
        ReleasedCell(SHARED, 2, False, Mode.AGGREGATE): 5,  # noqa: FBT003
    }


async def test_which_counts_are_released_does_not_depend_on_events(database: Database) -> None:
    """A campaign without events has the same cells as one with events, and noise in each."""
    quiet = await sent_campaign(database, groups=2, links=3)
    busy = await sent_campaign(database, groups=2, links=3)
    for campaign in (quiet, busy):
        await campaign.send(2, Mode.AGGREGATE, MIN_CELL + FAR)
    for signal in range(3):
        await busy.mark(1, signal, range(50))
    await Releases(database).run_once()
    cells = [(await campaign.released())[0] for campaign in (quiet, busy)]
    assert cells[0].keys() == cells[1].keys()
    assert len(cells[0]) == 2 * 2 * 2 * 2 + 3 * 2 * 2
    assert sum(count != 0 for count in cells[0].values()) > len(cells[0]) / 2


async def test_only_the_latest_date_is_released_and_then_the_next(database: Database) -> None:
    """Missed dates are skipped; each later date is released once, and then there is none."""
    campaign = await sent_campaign(database, groups=1, links=1, hours=30)
    job = Releases(database)
    for _ in range(3):
        await job.run_once()
    first = await campaign.released()
    assert list(first) == [1]
    await campaign.age(200)
    for _ in range(3):
        await job.run_once()
    both = await campaign.released()
    assert list(both) == [1, 2]
    assert both[1] == first[1]
    assert await campaign.next_time() is None


async def test_a_campaign_before_its_first_date_is_not_released(database: Database) -> None:
    """Nothing is released before the first date."""
    campaign = await sent_campaign(database, groups=1, links=1, hours=5.9)
    await Releases(database).run_once()
    assert await campaign.released() == {}


async def test_concurrent_jobs_release_a_date_once(database: Database) -> None:
    """Of jobs that run at the same time, one releases each date."""
    campaigns = [await sent_campaign(database, groups=3, links=2) for _ in range(5)]
    for _ in range(3):
        await asyncio.gather(*(Releases(database).run_once() for _ in range(4)))
        released = [await campaign.released() for campaign in campaigns]
        assert [list(dates) for dates in released] == [[0]] * 5
    again = [await campaign.released() for campaign in campaigns]
    assert again == released


async def test_a_release_that_fails_leaves_nothing_and_does_not_stop_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise that was not committed is not stored, and other campaigns are released."""
    broken = await sent_campaign(database, groups=2, links=2, hours=8)
    other = await sent_campaign(database, groups=1, links=1)
    insert = storage.insert_release

    async def failing(connection: Connection, tenant: int, campaign: int, *arguments: Any) -> None:
        await insert(connection, tenant, campaign, *arguments)
        if campaign == broken.number:
            raise OSError

    monkeypatch.setattr(storage, "insert_release", failing)
    await Releases(database).run_once()
    assert await broken.released() == {}
    assert list(await other.released()) == [0]
    monkeypatch.undo()
    await Releases(database).run_once()
    assert list(await broken.released()) == [0]


async def test_groups_keep_their_cells(database: Database) -> None:
    """A group that grows, or is added, after the first release stays in the shared cell."""
    campaign = await sent_campaign(database, groups=2, links=0)
    await campaign.send(1, Mode.ANONYMOUS, MIN_CELL + FAR)
    await campaign.send(2, Mode.ANONYMOUS, MIN_CELL - FAR)
    await Releases(database).run_once()
    await campaign.execute(_GROUP, 3)
    await campaign.send(3, Mode.ANONYMOUS, 2 * MIN_CELL)
    await campaign.send(2, Mode.AGGREGATE, MIN_CELL)
    await campaign.age(24)
    await Releases(database).run_once()
    released = await campaign.released()
    assert [{cell.cell for cell in counts} for counts in released.values()] == [{SHARED, 1}] * 2
    async with database.connection("test") as connection:
        sent = await storage.released_sent(connection, TENANT, campaign.number, 1)
    exact = {
        (1, Purpose.OPENS, Mode.ANONYMOUS): MIN_CELL + FAR,
        (1, Purpose.CLICKS, Mode.OFF): MIN_CELL + FAR,
        (SHARED, Purpose.OPENS, Mode.ANONYMOUS): 3 * MIN_CELL - FAR,
        (SHARED, Purpose.OPENS, Mode.AGGREGATE): MIN_CELL,
        (SHARED, Purpose.CLICKS, Mode.OFF): 4 * MIN_CELL - FAR,
    }
    assert sent.totals == {1: MIN_CELL + FAR, SHARED: 4 * MIN_CELL - FAR}
    assert set(sent.by_mode) == {
        (cell, purpose, mode) for cell in (1, SHARED) for purpose in Purpose for mode in Mode
    }
    for place, messages in sent.by_mode.items():
        assert abs(messages - exact.get(place, 0)) < FAR
    assert sent.by_mode != {place: exact.get(place, 0) for place in sent.by_mode}


async def test_messages_by_mode_get_noise_only_where_more_were_sent(database: Database) -> None:
    """Otherwise their numbers stay as they were."""
    campaign = await sent_campaign(database, groups=2, links=0)
    for group in (1, 2):
        await campaign.send(group, Mode.ANONYMOUS, MIN_CELL + FAR)
    await Releases(database).run_once()
    await campaign.send(2, Mode.IDENTIFIED, 1)
    await campaign.age(24)
    await Releases(database).run_once()
    async with database.connection("test") as connection:
        first, second = [
            (await storage.released_sent(connection, TENANT, campaign.number, date)).by_mode
            for date in (0, 1)
        ]
    changed = {place[0] for place in first if second[place] != first[place]}
    assert changed == {2}


async def test_one_purpose_with_enough_anonymous_messages_gives_a_cell(database: Database) -> None:
    """Opens and clicks are not added up: a message would count twice."""
    campaign = await sent_campaign(database, groups=4, links=0)
    enough, half = MIN_CELL + FAR, MIN_CELL // 2 + FAR
    await campaign.send(1, Mode.IDENTIFIED, enough, of_clicks=Mode.ANONYMOUS)
    await campaign.send(2, Mode.AGGREGATE, enough, of_clicks=Mode.IDENTIFIED)
    await campaign.send(3, Mode.ANONYMOUS, MIN_CELL - FAR, of_clicks=Mode.ANONYMOUS)
    await campaign.send(4, Mode.ANONYMOUS, half, of_clicks=Mode.IDENTIFIED)
    await campaign.send(4, Mode.IDENTIFIED, half, of_clicks=Mode.AGGREGATE)
    await Releases(database).run_once()
    (counts,) = (await campaign.released()).values()
    assert {cell.cell for cell in counts} == {SHARED, 1, 2}


async def test_skipped_dates_are_not_released(database: Database) -> None:
    """After `skip`, dates that were due are skipped for good, and later ones are released."""
    due = await sent_campaign(database, groups=1, links=1, hours=30)
    early = await sent_campaign(database, groups=1, links=1, hours=1)
    before = await early.next_time()
    job = Releases(database)
    async with database.connection("test") as connection:
        now = await connection.fetchval("select clock_timestamp()")
    assert await job.skip(now) >= 1
    await job.run_once()
    assert await due.released() == {}
    assert await early.next_time() == before
    await due.age(200)
    await job.run_once()
    assert list(await due.released()) == [2]
