"""Calls of one tenant that go to two authorities in turn, with the counts that must result."""

import asyncio
import random
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hushpost_client import CampaignStats, Count, DoNotTrack, Event, PreferenceEntry, Verdict
from tests.conftest import Clients
from tests.mailing import GROUP, URLS, exact_count

__all__ = ["MixedLoad", "Person", "prepared"]

CALLERS = 16
BATCH = 10
REPEATED = 0.3
"""The share of calls that the other authority gets too, with the same request id."""

Call = Callable[[Clients], Coroutine[object, object, object]]


class Person(StrEnum):
    """Who receives the mail: what a contact decides before it is sent, and during the load."""

    KNOWN = "known"
    HIDDEN = "hidden"
    LEAVING = "leaving"
    RETURNING = "returning"


DECLINED = {Person.HIDDEN, Person.RETURNING}


@dataclass(frozen=True)
class MixedLoad:
    """An open and a click of each contact of some campaigns, in single calls and batches.

    Args:
        authorities: The clients of both authorities, with the same keys.
        tokens: The tokens by campaign and contact.
        rng: Decides the order of the calls, and to which authority each goes.
    """

    authorities: tuple[Clients, Clients]
    tokens: dict[str, dict[str, str]]
    people: int
    rng: random.Random

    async def run(self) -> None:
        """Make all calls, none of which may fail."""
        waiting = [*self._singles(), *self._batches(), *self._decisions(), *self._reports()]
        self.rng.shuffle(waiting)

        async def caller() -> None:
            while waiting:
                await self._make(waiting.pop())

        async with asyncio.TaskGroup() as tasks:
            for _ in range(CALLERS):
                tasks.create_task(caller())

    async def _make(self, call: Call) -> None:
        """Call one authority; for a share of the calls, also the other, meanwhile or afterwards."""
        first, second = self.rng.sample(self.authorities, 2)
        if self.rng.random() > REPEATED:
            await call(first)
        elif self.rng.random() < 0.5:
            await asyncio.gather(call(first), call(second))
        else:
            await call(first)
            await call(second)

    def _singles(self) -> list[Call]:
        return [
            call
            for tokens in self.tokens.values()
            for token in [*tokens.values()][::2]
            for call in (_open(token), _click(token))
        ]

    def _batches(self) -> list[Call]:
        events = [
            Event(token, link_number=link_number, verdict=Verdict.HUMAN)
            for tokens in self.tokens.values()
            for token in [*tokens.values()][1::2]
            for link_number in (None, 1)
        ]
        self.rng.shuffle(events)
        return [_batch(events[start : start + BATCH]) for start in range(0, len(events), BATCH)]

    def _decisions(self) -> list[Call]:
        return [
            _decide(f"{person}-{number}", decision)
            for person, decision in (
                (Person.LEAVING, DoNotTrack.TRUE),
                (Person.RETURNING, DoNotTrack.FALSE),
            )
            for number in range(self.people)
        ]

    def _reports(self) -> list[Call]:
        return [_read(campaign) for campaign in self.tokens for _ in range(self.people)]

    def assert_exact(self, stats: CampaignStats) -> None:
        """Assert that the report of a campaign has each event once, in the right mode."""
        identified = Count(self.people, self.people)
        anonymous = Count(3 * self.people, 3 * self.people)
        for signal in (stats.opens, stats.clicks):
            found = signal.human
            assert (found.identified, exact_count(found.anonymous)) == (identified, anonymous)


async def prepared(
    authorities: tuple[Clients, Clients], people: int, rng: random.Random
) -> MixedLoad:
    """Create contacts, and a campaign with each authority, to which the other issues tokens.

    Args:
        authorities: The clients of both authorities, with the same keys.
        people: How many contacts there are of each kind.
        rng: The source of the load's randomness.
    """
    names = [f"{person}-{number}" for number in range(people) for person in Person]
    await authorities[0].sender.preferences.batch_set_preferences(
        [
            PreferenceEntry(
                name,
                DoNotTrack.TRUE if name.partition("-")[0] in DECLINED else DoNotTrack.FALSE,
            )
            for name in names
        ]
    )
    tokens = {}
    for campaign, creator, issuer in (("first", *authorities), ("second", *authorities[::-1])):
        await creator.sender.campaigns.create_campaign(campaign, links=URLS, groups=[GROUP])
        request_id = uuid.uuid4()
        tokens[campaign] = await _issued(issuer, campaign, names, request_id)
        assert await _issued(creator, campaign, names, request_id) == tokens[campaign]
    return MixedLoad(authorities, tokens, people, rng)


async def _issued(
    clients: Clients, campaign: str, names: Sequence[str], request_id: uuid.UUID
) -> dict[str, str]:
    issued = await clients.sender.campaigns.issue_tokens(
        campaign, GROUP, names, request_id=request_id
    )
    return {token.contact_id: token.token for token in issued.tokens if token.token}


def _open(token: str) -> Call:
    request_id = uuid.uuid4()
    return lambda clients: clients.edge.tracking.record_open(
        token, verdict=Verdict.HUMAN, request_id=request_id
    )


def _click(token: str) -> Call:
    request_id = uuid.uuid4()

    async def click(clients: Clients) -> None:
        url = await clients.edge.tracking.record_click(
            token, 1, verdict=Verdict.HUMAN, request_id=request_id
        )
        assert url == URLS[0]

    return click


def _batch(events: Sequence[Event]) -> Call:
    request_id = uuid.uuid4()

    async def record(clients: Clients) -> None:
        recorded = await clients.edge.tracking.record_events(events, request_id=request_id)
        assert recorded.accepted_count == len(events)

    return record


def _decide(contact: str, decision: DoNotTrack) -> Call:
    request_id = uuid.uuid4()
    return lambda clients: clients.sender.preferences.set_preference(
        contact, decision, request_id=request_id
    )


def _read(campaign: str) -> Call:
    return lambda clients: clients.reporter.stats.get_campaign_stats(campaign)
