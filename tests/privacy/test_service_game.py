"""A sender that replays tokens and reads every report plays against the running service."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from hushpost_client import Event, Mode, PolicyUpdate, Release, Verdict
from tests.conftest import Clients, RunningAuthority
from tests.mailing import clients_of, eventually

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .empirical_epsilon import epsilon_lower_bound

PLAYS = 300 if FULL else 24
EPSILON = 2.0
CONFIDENCE = 0.999
OWN = 40
"""Contacts of the sender in each campaign, who all open. Estimates are far from 0."""

DATES = (timedelta(seconds=3), timedelta(seconds=6))
AT_ONCE = 20


@dataclass
class Campaign:
    """One play: a campaign with the contacts of the sender and the target."""

    clients: Clients
    campaign_id: str
    target_acted: bool
    target: str = ""

    async def begin(self) -> None:
        """Send the campaign; the sender's contacts open, and the target if it acts."""
        await self.clients.sender.campaigns.create_campaign(self.campaign_id, groups=["all"])
        contacts = [f"{self.campaign_id}-{number}" for number in range(OWN + 1)]
        issued = await self.clients.sender.campaigns.issue_tokens(self.campaign_id, "all", contacts)
        tokens = [token.token or "" for token in issued.tokens]
        self.target = tokens.pop()
        await self.open([*tokens, self.target] if self.target_acted else tokens)

    async def open(self, tokens: list[str]) -> None:
        """Record an open of each message."""
        await self.clients.edge.tracking.record_events(
            [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        )

    async def estimate(self) -> int:
        """Return the anonymous people who opened, as the report has it."""
        stats = await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)
        anonymous = stats.opens.human.anonymous
        assert anonymous is not None
        return anonymous.unique

    async def wait_for(self, *, last: bool) -> None:
        """Wait for the first or the last release."""

        async def is_released() -> bool:
            stats = await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)
            release = stats.release
            return release.release_time is not None and not (last and release.next_release_time)

        await eventually(is_released, "a release", seconds=60, pause=0.2)


@pytest.fixture
async def noisy(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """A tenant whose counts are released twice within seconds."""
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=DATES)
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, policy)


@pytest.fixture
async def exact(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Control: a tenant whose anonymous counts are exact."""
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release=Release.EXACT)
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, policy)


async def _begun(clients: Clients, name: str, plays: int) -> list[Campaign]:
    """Begin campaigns, in half of which the target acts, in random order."""
    rng = random.Random(SEED)  # noqa: S311 - a test repeats it
    acted = [number < plays // 2 for number in range(plays)]
    rng.shuffle(acted)
    campaigns = [Campaign(clients, f"{name}-{n}", each) for n, each in enumerate(acted)]
    for start in range(0, plays, AT_ONCE):
        await asyncio.gather(*(each.begin() for each in campaigns[start : start + AT_ONCE]))
    return campaigns


async def _replayed(campaign: Campaign, *, exact: bool) -> bool:
    """Replay the target's token; return whether the number says rightly if it had acted.

    The number moves only if the target had not acted.
    """
    if not exact:
        await campaign.wait_for(last=False)
    before = await campaign.estimate()
    await campaign.open([campaign.target])
    return (await campaign.estimate() == before) == campaign.target_acted


async def test_a_replay_moves_no_published_number(
    noisy: Clients, exact: Clients, report: Report
) -> None:
    """Between two dates no replay changes the report."""
    campaigns = await _begun(noisy, "replay", PLAYS)
    right = await asyncio.gather(*(_replayed(each, exact=False) for each in campaigns))
    controls = await _begun(exact, "control", 20)
    right_control = [await _replayed(each, exact=True) for each in controls]
    real, control = Score(PLAYS, sum(right)), Score(len(controls), sum(right_control))
    report(Attack("service: replay of the target's token", real, control, 0.5))
    assert control.share > 0.9
    # Who sees no number move says "acted" each time. A release in between moves some.
    assert abs(real.share - 0.5) < 5 * (0.25 / PLAYS) ** 0.5


async def test_reports_reveal_at_most_epsilon(
    noisy: Clients, exact: Clients, report: Report
) -> None:
    """From all releases of a campaign the sender concludes no more than epsilon allows."""

    async def scored(campaign: Campaign) -> float:
        await campaign.wait_for(last=False)
        first = await campaign.estimate()
        await campaign.wait_for(last=True)
        last = await campaign.estimate()
        # The last release has half of the noise of the first.
        return (first - OWN - 0.5) + 2 * (last - OWN - 0.5)

    campaigns = await _begun(noisy, "read", PLAYS)
    scores = await asyncio.gather(*(scored(each) for each in campaigns))
    acted = [each.target_acted for each in campaigns]
    without, with_act = (
        np.array([score for score, did in zip(scores, acted, strict=True) if did is which])
        for which in (False, True)
    )
    real = Score(PLAYS, int(np.sum(without <= 0) + np.sum(with_act > 0)))
    controls = await _begun(exact, "exact", 20)
    right = [(await each.estimate() > OWN) == each.target_acted for each in controls]
    found = epsilon_lower_bound(without, with_act, CONFIDENCE)
    report(
        Attack(
            f"service: all reports of a campaign: ε ≥ {found:.2f}",
            real,
            Score(len(controls), sum(right)),
            0.5,
        )
    )
    assert all(right)
    # Opens have 24 % of epsilon, so a guess is right in at most 62 %, and all of 24 once in 100,000.
    assert real.succeeded < PLAYS
    assert found <= EPSILON
