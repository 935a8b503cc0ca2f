"""When an anonymous number is published: never before enough people stand behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from hushpost_client import (
    CampaignStats,
    Count,
    DoNotTrack,
    Event,
    Mode,
    PolicyUpdate,
    Verdict,
)
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, tenant_number
from tests.mailing import URLS, clients_of

K = 5
EAST, WEST = "east", "west"


@pytest.fixture
async def clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant with a quorum of 5, whose contacts are anonymous unless they agree."""
    policy = PolicyUpdate(quorum=K, mode_when_unset=Mode.ANONYMOUS)
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, policy)


class Mail:
    """A campaign that went to two groups."""

    def __init__(self, clients: Clients, tokens: dict[str, list[str]]) -> None:
        self.clients = clients
        self.tokens = tokens

    async def record(self, *people: str, link: int = 0, verdict: Verdict = Verdict.HUMAN) -> None:
        """Record an event by each of the tokens."""
        await self.clients.edge.tracking.record_events(
            [Event(token, link, verdict=verdict) for token in people]
        )

    async def stats(self) -> CampaignStats:
        """Return what is published."""
        return await self.clients.reporter.stats.get_campaign_stats("spring")

    async def opens(self, group: int = 0) -> Count:
        """Return the anonymous opens of a group that are published."""
        return (await self.stats()).groups[group].opens.human.anonymous

    async def clicks(self, group: int = 0) -> Count:
        """Return the anonymous clicks of a group that are published."""
        return (await self.stats()).groups[group].clicks.human.anonymous


async def _mail(
    clients: Clients, people: int = 4 * K, groups: Iterable[str] = (EAST, WEST)
) -> Mail:
    campaigns = clients.sender.campaigns
    await campaigns.create_campaign("spring", links=URLS, groups=list(groups))
    tokens = {}
    for group in groups:
        names = [f"{group}-{number}" for number in range(people)]
        issued = await campaigns.issue_tokens("spring", group, names)
        tokens[group] = [token.token for token in issued.tokens]
    return Mail(clients, tokens)


async def test_a_number_advances_by_people_only_when_k_more_stand_behind_it(
    clients: Clients,
) -> None:
    """Below k nothing is told; k at once; k-1 more change nothing; the next makes it 2k."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    told = []
    for person in people[: 2 * K + 1]:
        await mail.record(person)
        told.append((await mail.opens()).unique)
    assert told == [0] * (K - 1) + [K] * K + [2 * K] * 2


async def test_repeats_publish_nothing(clients: Clients) -> None:
    """The same people over and over are no more people; their events show in whole k with others."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    for _ in range(K):
        await mail.record(*people[: K - 1])
    assert await mail.opens() == Count(0, 0)
    await mail.record(people[K - 1])
    assert await mail.opens() == Count(K, K)
    for _ in range(3):
        await mail.record(*people[:K])
    assert await mail.opens() == Count(K, K)
    await mail.record(*people[K : 2 * K])
    repeats = (K - 1) * (K - 1) + 3 * K
    assert await mail.opens() == Count(2 * K + repeats - repeats % K, 2 * K)


async def test_when_numbers_are_asked_for_changes_no_rule(clients: Clients) -> None:
    """Whoever asks only later is told what one who asks all the time is told: whole k."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    await mail.record(*people[: 2 * K - 1])
    assert (await mail.opens()).unique == K
    await mail.record(people[2 * K - 1])
    assert (await mail.opens()).unique == 2 * K
    await mail.record(*people[2 * K : 3 * K - 1])
    assert [(await mail.opens()).unique for _ in range(3)] == [2 * K] * 3


async def test_the_campaign_is_the_sum_of_its_groups(clients: Clients) -> None:
    """A campaign's anonymous number is what its groups have published, though more are known."""
    mail = await _mail(clients)
    await mail.record(*mail.tokens[EAST][:K], *mail.tokens[WEST][: K - 1])
    stats = await mail.stats()
    assert [group.opens.human.anonymous.unique for group in stats.groups] == [K, 0]
    assert stats.opens.human.anonymous == Count(K, K)
    await mail.record(mail.tokens[EAST][K], mail.tokens[WEST][K - 1])
    stats = await mail.stats()
    assert [group.opens.human.anonymous.unique for group in stats.groups] == [K, K]
    assert stats.opens.human.anonymous == Count(2 * K, 2 * K)
    assert stats.rates.open_rate.anonymous == pytest.approx(2 * K / (8 * K))


async def test_people_and_machines_do_not_stand_behind_each_other(clients: Clients) -> None:
    """People and machines, k together, are not k people."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    await mail.record(*people[: K - 1])
    await mail.record(*people[K : 2 * K - 1], verdict=Verdict.SCANNER)
    stats = await mail.stats()
    assert stats.opens.human.anonymous == stats.opens.machine.anonymous == Count(0, 0)


async def test_a_group_publishes_clicks_as_its_links_do(clients: Clients) -> None:
    """Who clicked any link is told no sooner than which: each of few links would be those left over."""
    mail = await _mail(clients)
    east = mail.tokens[EAST]
    await mail.record(*east[: K - 1], link=1)
    await mail.record(*east[K - 1 : 2 * K - 2], link=2)
    stats = await mail.stats()
    assert stats.clicks.human.anonymous == Count(0, 0)
    assert [link.clicks.human.anonymous for link in stats.links] == [Count(0, 0)] * 2
    await mail.record(east[2 * K - 2], link=1)
    stats = await mail.stats()
    assert stats.groups[0].clicks.human.anonymous == Count(K, K)
    assert [link.clicks.human.anonymous for link in stats.links] == [Count(K, K), Count(0, 0)]
    await mail.record(east[2 * K - 1], link=2)
    stats = await mail.stats()
    assert stats.groups[0].clicks.human.anonymous == Count(2 * K, 2 * K)
    assert [link.clicks.human.anonymous for link in stats.links] == [Count(K, K)] * 2


async def test_a_group_below_the_quorum_shows_in_no_link(clients: Clients) -> None:
    """A link is the sum of what its groups publish: two small groups make no number."""
    mail = await _mail(clients)
    east, west = mail.tokens[EAST], mail.tokens[WEST]
    await mail.record(*east[: K - 1], *west[: K - 1], link=1)
    assert (await mail.stats()).links[0].clicks.human.anonymous == Count(0, 0)
    await mail.record(east[K - 1], link=1)
    stats = await mail.stats()
    assert [group.clicks.human.anonymous.unique for group in stats.groups] == [K, 0]
    assert stats.links[0].clicks.human.anonymous == Count(K, K)
    await mail.record(west[K - 1], link=1)
    stats = await mail.stats()
    assert [group.clicks.human.anonymous.unique for group in stats.groups] == [K, K]
    assert stats.links[0].clicks.human.anonymous == Count(2 * K, 2 * K)


async def test_who_clicked_two_links_is_one_person(clients: Clients) -> None:
    """People who clicked every link stand once behind the clicks of the group."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    await mail.record(*people[:K], link=1)
    await mail.record(*people[:K], link=2)
    stats = await mail.stats()
    assert stats.groups[0].clicks.human.anonymous == Count(2 * K, K)
    assert [link.clicks.human.anonymous.unique for link in stats.links] == [K, K]


async def test_a_lower_quorum_reveals_nothing_of_a_campaign_that_is_out(
    clients: Clients,
) -> None:
    """A lowered k holds for campaigns created afterwards; for others the greatest that they had."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    await mail.record(*people[: K + 2])
    assert (await mail.opens()).unique == K
    for quorum in (2, 1):
        await clients.admin.admin.update_policy(PolicyUpdate(quorum=quorum))
        stats = await mail.stats()
        assert (stats.quorum, stats.groups[0].opens.human.anonymous.unique) == (K, K)
    campaigns = clients.sender.campaigns
    await campaigns.create_campaign("summer", links=URLS, groups=[EAST])
    issued = await campaigns.issue_tokens("summer", EAST, ["somebody"])
    await mail.record(issued.tokens[0].token)
    stats = await clients.reporter.stats.get_campaign_stats("summer")
    assert (stats.quorum, stats.opens.human.anonymous) == (1, Count(1, 1))


async def test_a_higher_quorum_takes_nothing_back(clients: Clients) -> None:
    """A raised k holds at once; what was published stays published."""
    mail = await _mail(clients)
    people = mail.tokens[EAST]
    await mail.record(*people[:K])
    assert (await mail.opens()).unique == K
    await clients.admin.admin.update_policy(PolicyUpdate(quorum=2 * K))
    await mail.record(*people[K : 3 * K - 1])
    assert ((await mail.stats()).quorum, (await mail.opens()).unique) == (2 * K, K)
    await mail.record(people[3 * K - 1])
    assert (await mail.opens()).unique == 3 * K


async def test_where_people_cannot_be_told_apart_events_count(clients: Clients) -> None:
    """AGGREGATE numbers advance by k events, and have no people."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.AGGREGATE))
    mail = await _mail(clients)
    token = mail.tokens[EAST][0]
    told = []
    for _ in range(2 * K):
        await mail.record(token)
        told.append((await mail.stats()).opens.human.aggregate)
    assert told == [Count(0, 0)] * (K - 1) + [Count(K, 0)] * K + [Count(2 * K, 0)]


async def test_held_back_tells_of_no_event(clients: Clients) -> None:
    """Whether numbers may be behind depends on the quorum and on what was sent alone."""
    await clients.sender.campaigns.create_campaign("empty", links=URLS, groups=[EAST])

    def flags(stats: CampaignStats) -> set[bool]:
        signals = [stats.opens, stats.clicks]
        signals += [signal for group in stats.groups for signal in (group.opens, group.clicks)]
        signals += [link.clicks for link in stats.links]
        return {part.held_back for signal in signals for part in (signal.human, signal.machine)}

    assert flags(await clients.reporter.stats.get_campaign_stats("empty")) == {False}
    mail = await _mail(clients)
    seen = [flags(await mail.stats())]
    for person in mail.tokens[EAST][: K + 1]:
        await mail.record(person)
        seen.append(flags(await mail.stats()))
    await mail.record(*mail.tokens[EAST], *mail.tokens[WEST], link=1)
    seen.append(flags(await mail.stats()))
    assert seen == [{True}] * len(seen)
    await clients.admin.admin.update_policy(PolicyUpdate(quorum=1))
    assert flags(await mail.stats()) == {True}


async def test_readers_at_once_publish_once(clients: Clients, database: Connection) -> None:
    """However many ask at the same moment, a step is published once, and all are told the same."""
    mail = await _mail(clients)
    tenant = await tenant_number(database, clients.tenant_id)
    for step in (1, 2):
        await mail.record(*mail.tokens[EAST][(step - 1) * K : step * K])
        told = await asyncio.gather(*(mail.opens() for _ in range(20)))
        assert set(told) == {Count(step * K, step * K)}
    stored = await database.fetchrow(
        "select sum(events), sum(people) from publications"
        " where tenant = $1 and group_number = 1 and signal = 0 and mode = 2",
        tenant,
    )
    assert stored is not None
    assert tuple(stored) == (2 * K, 2 * K)


async def test_anonymous_numbers_have_the_hour_of_their_publication(clients: Clients) -> None:
    """Events of yesterday stand in the hour in which they were published, identified ones in theirs."""
    await clients.sender.preferences.set_preference("known", DoNotTrack.FALSE)
    mail = await _mail(clients)
    issued = await clients.sender.campaigns.issue_tokens("spring", EAST, ["known"])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    tokens = [issued.tokens[0].token, *mail.tokens[EAST][:K]]
    before = _hour(datetime.now(UTC))
    await clients.edge.tracking.record_events(
        [Event(token, event_time=yesterday, verdict=Verdict.HUMAN) for token in tokens]
    )
    stats = await mail.stats()
    after = _hour(datetime.now(UTC))
    by_hour = {hour.start_time: hour.opens.human for hour in stats.hours}
    assert by_hour[_hour(yesterday)].identified == Count(1, 1)
    assert by_hour[_hour(yesterday)].anonymous == Count(0, 0)
    published = {hour: part.anonymous for hour, part in by_hour.items() if part.anonymous.total}
    assert published in ({before: Count(K, K)}, {after: Count(K, K)})


async def test_folding_passes_the_quorum_too(clients: Clients) -> None:
    """Events of few who opt out vanish from the known numbers and wait for k like any other."""
    mail, names = await _mail_to_known(clients, K)
    await mail.record(*mail.tokens[EAST][:K])
    for name in names[:-1]:
        await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        assert await mail.opens() == Count(0, 0)
    assert (await mail.stats()).opens.human.identified == Count(1, 1)
    await clients.sender.preferences.set_preference(names[-1], DoNotTrack.TRUE)
    assert await mail.opens() == Count(K, K)
    assert (await mail.stats()).opens.human.identified == Count(0, 0)


async def test_those_seen_to_opt_out_hide_nobody(clients: Clients) -> None:
    """Whoever watched k-1 people leave the known numbers is not told when one other acts."""
    mail, names = await _mail_to_known(clients, K - 1)
    people = mail.tokens[EAST]
    await mail.record(*people[: K - 1])
    for name in names:
        await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
    await mail.record(*people[K - 1 : 2 * K - 2])
    assert await mail.opens() == Count(0, 0)
    await mail.record(*people[: K - 1])
    assert await mail.opens() == Count(0, 0)
    await mail.record(people[2 * K - 2])
    assert (await mail.opens()).unique == K


async def _mail_to_known(clients: Clients, known: int) -> tuple[Mail, list[str]]:
    """Send a mail; return it and the names of the first contacts, who agreed to be known."""
    names = [f"{EAST}-{number}" for number in range(known)]
    for name in names:
        await clients.sender.preferences.set_preference(name, DoNotTrack.FALSE)
    return await _mail(clients), names


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
