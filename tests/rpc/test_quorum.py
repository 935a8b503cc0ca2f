"""A published anonymous number advances only by a quorum of people or more."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hushpost_client import Count, DoNotTrack, Event, Mode, PolicyUpdate, Verdict
from tests.conftest import Clients
from tests.inspection import Connection, tenant_number
from tests.rpc.two_group_campaign import EAST, QUORUM, WEST, ZERO, send_campaign


async def test_a_number_advances_by_whole_quorums(quorum_clients: Clients) -> None:
    """The number is 0 below the quorum, then the quorum until another quorum of people acts."""
    campaign = await send_campaign(quorum_clients)
    published = []
    for token in campaign.tokens[EAST][: 2 * QUORUM + 1]:
        await campaign.record(token)
        published.append((await campaign.published_opens()).unique)
    assert published == [0] * (QUORUM - 1) + [QUORUM] * QUORUM + [2 * QUORUM] * 2


async def test_repeated_events_publish_nothing(quorum_clients: Clients) -> None:
    """Repeated events of the same people are published only together with further people."""
    campaign = await send_campaign(quorum_clients)
    tokens = campaign.tokens[EAST]
    for _ in range(QUORUM):
        await campaign.record(*tokens[: QUORUM - 1])
    assert await campaign.published_opens() == ZERO
    await campaign.record(tokens[QUORUM - 1])
    assert await campaign.published_opens() == Count(QUORUM, QUORUM)
    for _ in range(3):
        await campaign.record(*tokens[:QUORUM])
    assert await campaign.published_opens() == Count(QUORUM, QUORUM)
    await campaign.record(*tokens[QUORUM : 2 * QUORUM])
    repeats = (QUORUM - 1) * (QUORUM - 1) + 3 * QUORUM
    assert await campaign.published_opens() == Count(
        2 * QUORUM + repeats - repeats % QUORUM, 2 * QUORUM
    )


async def test_the_number_does_not_depend_on_when_it_is_read(quorum_clients: Clients) -> None:
    """Rare reads get the same whole quorums as frequent reads."""
    campaign = await send_campaign(quorum_clients)
    tokens = campaign.tokens[EAST]
    await campaign.record(*tokens[: 2 * QUORUM - 1])
    assert (await campaign.published_opens()).unique == QUORUM
    await campaign.record(tokens[2 * QUORUM - 1])
    assert (await campaign.published_opens()).unique == 2 * QUORUM
    await campaign.record(*tokens[2 * QUORUM : 3 * QUORUM - 1])
    assert [(await campaign.published_opens()).unique for _ in range(3)] == [2 * QUORUM] * 3


async def test_the_campaign_is_the_sum_of_its_groups(quorum_clients: Clients) -> None:
    """A campaign's anonymous number is the sum of what its groups have published."""
    campaign = await send_campaign(quorum_clients)
    east, west = campaign.tokens[EAST], campaign.tokens[WEST]
    await campaign.record(*east[:QUORUM], *west[: QUORUM - 1])
    stats = await campaign.stats()
    assert [group.opens.human.anonymous.unique for group in stats.groups] == [QUORUM, 0]
    assert stats.opens.human.anonymous == Count(QUORUM, QUORUM)
    await campaign.record(east[QUORUM], west[QUORUM - 1])
    stats = await campaign.stats()
    assert [group.opens.human.anonymous.unique for group in stats.groups] == [QUORUM, QUORUM]
    assert stats.opens.human.anonymous == Count(2 * QUORUM, 2 * QUORUM)
    assert stats.rates.open_rate.anonymous == pytest.approx(2 * QUORUM / (8 * QUORUM))


async def test_people_and_machines_have_separate_quorums(quorum_clients: Clients) -> None:
    """Events by people and by machines do not add up to a quorum."""
    campaign = await send_campaign(quorum_clients)
    tokens = campaign.tokens[EAST]
    await campaign.record(*tokens[: QUORUM - 1])
    await campaign.record(*tokens[QUORUM : 2 * QUORUM - 1], verdict=Verdict.SCANNER)
    stats = await campaign.stats()
    assert stats.opens.human.anonymous == stats.opens.machine.anonymous == ZERO


async def test_aggregate_numbers_advance_by_events(quorum_clients: Clients) -> None:
    """AGGREGATE tokens do not tell people apart, so a quorum of events publishes a number."""
    await quorum_clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.AGGREGATE))
    campaign = await send_campaign(quorum_clients)
    token = campaign.tokens[EAST][0]
    published = []
    for _ in range(2 * QUORUM):
        await campaign.record(token)
        published.append((await campaign.stats()).opens.human.aggregate)
    assert published == [
        *[ZERO] * (QUORUM - 1),
        *[Count(QUORUM, 0)] * QUORUM,
        Count(2 * QUORUM, 0),
    ]


async def test_concurrent_reads_publish_an_increment_once(
    quorum_clients: Clients, database: Connection
) -> None:
    """Concurrent reads publish an increment once and all return the same number."""
    campaign = await send_campaign(quorum_clients)
    tenant = await tenant_number(database, quorum_clients.tenant_id)
    for step in (1, 2):
        await campaign.record(*campaign.tokens[EAST][(step - 1) * QUORUM : step * QUORUM])
        published = await asyncio.gather(*(campaign.published_opens() for _ in range(20)))
        assert set(published) == {Count(step * QUORUM, step * QUORUM)}
    stored = await database.fetchrow(
        "select sum(events), sum(people) from publications"
        " where tenant = $1 and group_number = 1 and signal = 0 and mode = 2",
        tenant,
    )
    assert stored is not None
    assert tuple(stored) == (2 * QUORUM, 2 * QUORUM)


async def test_anonymous_numbers_are_reported_in_the_hour_of_publication(
    quorum_clients: Clients,
) -> None:
    """Anonymous events are reported in the hour of publication, identified ones in their own."""
    await quorum_clients.sender.preferences.set_preference("identified", DoNotTrack.FALSE)
    campaign = await send_campaign(quorum_clients)
    issued = await quorum_clients.sender.campaigns.issue_tokens("spring", EAST, ["identified"])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    identified = issued.tokens[0].token
    assert identified
    tokens = [identified, *campaign.tokens[EAST][:QUORUM]]
    before = _hour(datetime.now(UTC))
    await quorum_clients.edge.tracking.record_events(
        [Event(token, event_time=yesterday, verdict=Verdict.HUMAN) for token in tokens]
    )
    stats = await campaign.stats()
    after = _hour(datetime.now(UTC))
    by_hour = {hour.start_time: hour.opens.human for hour in stats.hours}
    assert by_hour[_hour(yesterday)].identified == Count(1, 1)
    assert by_hour[_hour(yesterday)].anonymous == ZERO
    published = {hour: part.anonymous for hour, part in by_hour.items() if part.anonymous.total}
    assert published in ({before: Count(QUORUM, QUORUM)}, {after: Count(QUORUM, QUORUM)})


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
