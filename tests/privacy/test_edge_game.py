"""A sender with the public edge plays against the running service, over HTTP.

Each play is a campaign with three targets, of which each acts or does not: one whose click the sender
replays after it has closed the campaign, one who alone gets a link, and one who gets ten messages.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest

from hushpost_client import CampaignStats, Event, Mode, PolicyUpdate, Release, Verdict
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import get
from tests.mailing import clients_of, eventually

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .empirical_epsilon import epsilon_lower_bound

PLAYS = 300 if FULL else 16
CONTROLS = 20
EPSILON = 2.0
CONFIDENCE = 0.999
DATES = (timedelta(seconds=3), timedelta(seconds=6))
AT_ONCE = 60

OWN = 60
"""Contacts of the sender in each campaign; 30 act, so that no estimate is near its limits."""

ACTING = 30
MESSAGES = 10
"""To the third target, each in a group of its own, all with the pixels in one mail."""

GROUPS = ["all", *(f"group-{number}" for number in range(MESSAGES))]
LINKS = [f"https://shop.example.com/{number}" for number in range(2)]
OF_MANY, OF_ONE = 0, 1
"""The positions of the link that many get, and of the one that only the second target gets."""

REPLAYED, ALONE, MANY_MESSAGES = range(3)
"""The targets."""


@dataclass
class Play:
    """A campaign.

    Attributes:
        acted: Which targets act.
        tokens: Those of the sender's contacts.
        targets: The tokens of each target.
        scores: What the sender concludes; a positive score says that the target acted.
    """

    clients: Clients
    edge: EdgeProcess
    name: str
    acted: tuple[bool, bool, bool]
    tokens: list[str] = field(default_factory=list)
    targets: list[list[str]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    async def begin(self) -> None:
        """Send the campaign, and let contacts act."""
        campaigns = self.clients.sender.campaigns
        await campaigns.create_campaign(self.name, links=LINKS, groups=GROUPS)
        self.tokens = await self._issue("all", [f"{self.name}-{n}" for n in range(OWN)])
        for target in (REPLAYED, ALONE):
            self.targets.append(await self._issue("all", [f"{self.name}-target-{target}"]))
        many = [f"{self.name}-target-{MANY_MESSAGES}"]
        self.targets.append([(await self._issue(group, many))[0] for group in GROUPS[1:]])
        # The sender opens and clicks with its own tokens. It may have any link clicked.
        acting = self.tokens[:ACTING]
        await self.clients.edge.tracking.record_events(
            [
                Event(token, link_number=link, verdict=Verdict.HUMAN)
                for token in acting
                for link in (None, OF_MANY + 1, OF_ONE + 1)
            ]
        )
        if self.acted[REPLAYED]:
            await self.click(self.targets[REPLAYED][0], OF_MANY)
        if self.acted[ALONE]:
            await self.click(self.targets[ALONE][0], OF_ONE)
        if self.acted[MANY_MESSAGES]:
            for token in self.targets[MANY_MESSAGES]:
                await get(self.edge.port, f"/o/{token}.gif", agent=self._agent())
        await campaigns.close_campaign(self.name)

    async def click(self, token: str, link: int) -> None:
        """Click a link over the public edge."""
        found = await get(self.edge.port, f"/c/{token}/{link + 1}", agent=self._agent())
        assert found.status == 302

    async def stats(self) -> CampaignStats:
        """Return the report."""
        return await self.clients.reporter.stats.get_campaign_stats(self.name)

    async def released(self, *, last: bool) -> CampaignStats:
        """Wait for the first or the last release, and return the report."""

        async def is_released() -> bool:
            release = (await self.stats()).release
            return release.release_time is not None and not (last and release.next_release_time)

        await eventually(is_released, "a release", seconds=90, pause=0.3)
        return await self.stats()

    async def _issue(self, group: str, contacts: list[str]) -> list[str]:
        issued = await self.clients.sender.campaigns.issue_tokens(self.name, group, contacts)
        return [token.token or "" for token in issued.tokens]

    def _agent(self) -> str:
        return f"Mozilla/5.0 {self.name}"

    def conclude(self, first: CampaignStats, last: CampaignStats) -> None:
        """Set the scores, from the reports before and after the replay."""
        replay = _clicks(first, OF_MANY) - _clicks(last, OF_MANY) + 0.5
        # The last release has half of the noise of the first.
        alone = sum(
            weight * (_clicks(stats, OF_ONE) - ACTING - 0.5)
            for stats, weight in ((first, 1), (last, 2))
        )
        opens = last.opens.human
        assert opens.anonymous is not None
        assert opens.aggregate is not None
        many = opens.anonymous.unique + opens.aggregate.total - ACTING - 0.5
        self.scores = [replay, alone, many]


def _clicks(stats: CampaignStats, link: int) -> int:
    """Return the anonymous people who clicked a link."""
    found = stats.links[link].clicks.human.anonymous
    assert found is not None
    return found.unique


@pytest.fixture(scope="module")
async def edge(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EdgeProcess]:
    """An edge that only this module uses."""
    keys = await make_tenant(authority)
    with EdgeProcess(tmp_path_factory.mktemp("edge"), authority.target, keys.edge_key) as process:
        yield process


async def _plays(
    authority: RunningAuthority,
    stack: AsyncExitStack,
    edge: EdgeProcess,
    policy: PolicyUpdate,
    number: int,
) -> list[Play]:
    """Return campaigns, in half of which each target acts, in random order."""
    clients = await clients_of(stack, authority, policy)
    rng = random.Random(SEED)  # noqa: S311 - a test repeats it
    bits = [[n < number // 2 for n in range(number)] for _ in range(3)]
    for column in bits:
        rng.shuffle(column)
    acted = list(zip(*bits, strict=True))
    return [Play(clients, edge, f"play-{n}", each) for n, each in enumerate(acted)]


async def _play_noisy(play: Play, limit: asyncio.Semaphore) -> None:
    async with limit:
        await play.begin()
        first = await play.released(last=False)
        await play.click(play.targets[REPLAYED][0], OF_MANY)
        play.conclude(first, await play.released(last=True))


async def _play_exact(plays: Sequence[Play], edge: EdgeProcess) -> None:
    async def shipped() -> bool:
        return edge.waiting_events() == 0

    await asyncio.gather(*(play.begin() for play in plays))
    await eventually(shipped, "the events are recorded")
    first = [await play.stats() for play in plays]
    for play in plays:
        await play.click(play.targets[REPLAYED][0], OF_MANY)
    await eventually(shipped, "the replays are recorded")
    for play, before in zip(plays, first, strict=True):
        play.conclude(before, await play.stats())


def _right(plays: Sequence[Play], target: int) -> Score:
    """Count the plays in which the sender is right."""
    right = sum((play.scores[target] > 0) == play.acted[target] for play in plays)
    return Score(len(plays), right)


def _epsilon(plays: Sequence[Play], target: int) -> float:
    """Return the lower bound on epsilon that follows from the scores."""
    without, with_act = (
        np.array([play.scores[target] for play in plays if play.acted[target] is acted])
        for acted in (False, True)
    )
    return epsilon_lower_bound(without, with_act, CONFIDENCE)


async def test_a_sender_with_an_edge_learns_at_most_epsilon(
    authority: RunningAuthority, edge: EdgeProcess, report: Report
) -> None:
    """Replays after the campaign closed, a link for one person, and many messages do not help."""
    async with AsyncExitStack() as stack:
        noisy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=DATES)
        plays = await _plays(authority, stack, edge, noisy, PLAYS)
        limit = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(_play_noisy(play, limit) for play in plays))
        exact = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release=Release.EXACT)
        controls = await _plays(authority, stack, edge, exact, CONTROLS)
        await _play_exact(controls, edge)
    names = ("a replay after the close", "a link for one person", "ten messages for one person")
    for target, name in enumerate(names):
        found = _epsilon(plays, target)
        real, control = _right(plays, target), _right(controls, target)
        report(Attack(f"edge: {name}: ε ≥ {found:.2f}", real, control, 0.5))
        assert control.share > 0.9
        assert found <= EPSILON
        # All right by chance: less than once in 10,000 runs.
        assert real.succeeded < PLAYS


async def _seen(
    edge: EdgeProcess, acted: Sequence[bool], act: Callable[[], Awaitable[object]], shows: str
) -> Score:
    """Compare metrics right before and after; a difference says that the target acted."""

    async def series() -> list[str]:
        text = (await get(edge.port, "/metrics")).body.decode()
        return [line for line in text.splitlines() if line.startswith(shows)]

    right = 0
    for acts in acted:
        before = await series()
        if acts:
            await act()
        right += (await series() != before) == acts
    return Score(len(acted), right)


async def test_metrics_of_the_edge_tell_nothing(
    authority: RunningAuthority, edge: EdgeProcess, report: Report
) -> None:
    """Who reads `/metrics` before and after learns as much as by guessing.

    The control is a metric that is exact, because it counts requests that record nothing.
    """
    rng = random.Random(SEED)  # noqa: S311 - a test repeats it
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS)
        clients = await clients_of(stack, authority, policy)
        await clients.sender.campaigns.create_campaign("metrics", links=LINKS, groups=["all"])
        issued = await clients.sender.campaigns.issue_tokens("metrics", "all", ["target"])
        path = f"/c/{issued.tokens[0].token}/1"
        acted = [number % 2 == 0 for number in range(PLAYS)]
        rng.shuffle(acted)
        real = await _seen(edge, acted, lambda: get(edge.port, path), "hushpost_edge_")
        head = await _seen(
            edge,
            acted[:CONTROLS],
            lambda: get(edge.port, path, method="HEAD"),
            "hushpost_edge_answers_total",
        )
    report(Attack("edge: /metrics before and after a click", real, head, 0.5))
    assert head.share > 0.9
    # Who sees no difference says "did not act", which is right in half of the plays. A click
    # shows in one of about five sampled series once in 50 times.
    assert real.share < (0.6 if FULL else 0.75)
