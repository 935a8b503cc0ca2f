"""Differencing attack: replay random steps on a campaign and compare successive statistics."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hushpost_client import DoNotTrack, Event, History, PolicyUpdate, Verdict
from hushpost_client import Mode as ClientMode
from tests.conftest import Clients
from tests.mailing import eventually
from tests.modes.model import Mode, Policy, State, Token

from .combinations import Numbers, numbers, small_combinations, sums_that_differ
from .expected_counts import ExpectedCounts

__all__ = ["Difference", "Setup"]


@dataclass(frozen=True)
class Setup:
    """Initial state of a campaign; `choices` holds the contacts' preferences by group."""

    quorum: int
    links: int
    when_unset: Mode
    choices: Sequence[Sequence[State]]


@dataclass
class Difference:
    """A running differencing attack on one campaign.

    Attributes:
        is_exact: Whether this is the control, which publishes exact numbers.
        found: Descriptions of leaks that the attacker derived from the responses.
        tried: Number of statistics requests.
        succeeded: Requests after which the attacker found a leak.
        moved: Requests in which a number differed from the previous response.
    """

    clients: Clients
    setup: Setup
    is_exact: bool
    found: list[str] = field(default_factory=list)
    tried: int = 0
    succeeded: int = 0
    moved: int = 0

    def __post_init__(self) -> None:
        self.policy = Policy(when_unset=self.setup.when_unset)
        self.quorum = self.setup.quorum
        self.messages: list[tuple[str, str, Token]] = []
        self._before: Numbers = {}

    async def begin(self) -> None:
        """Set preferences, create the campaign, and send it."""
        setup = self.setup
        self.expected = ExpectedCounts(self.policy, len(setup.choices), setup.links)
        names = [
            [f"{group}-{number}" for number in range(len(choices))]
            for group, choices in enumerate(setup.choices)
        ]
        for group, choices in enumerate(setup.choices):
            for name, state in zip(names[group], choices, strict=True):
                if state is not State.UNSET:
                    await self.set_preference(name, state)
        campaigns = self.clients.sender.campaigns
        await campaigns.create_campaign(
            "spring",
            links=[f"https://shop.example.com/{number}" for number in range(setup.links)],
            groups=[str(group) for group in range(len(setup.choices))],
        )
        self.expected.created = [len(self.expected.history) - 1] * len(setup.choices)
        for group, members in enumerate(names):
            issued = await campaigns.issue_tokens("spring", str(group), members)
            for token in issued.tokens:
                assert token.token
                sent = self.expected.issue(group, token.contact_id)
                self.messages.append((token.contact_id, token.token, sent))

    def name(self, number: int) -> str:
        """Return the ID of the contact with this number, modulo the number of contacts."""
        return self.messages[number % len(self.messages)][0]

    async def act(self, who: Sequence[int], link: int, verdict: Verdict) -> None:
        """Record one event for each of the given messages, in a single batch."""
        signal = link % (self.setup.links + 1)
        chosen = [self.messages[number % len(self.messages)] for number in who]
        events = [
            Event(token, link_number=signal or None, verdict=verdict) for _, token, _ in chosen
        ]
        recorded = await self.clients.edge.tracking.record_events(events)
        assert not recorded.rejected
        for _, _, token in chosen:
            machine = verdict is Verdict.SCANNER
            self.expected.record(token, signal, 0, machine=machine, gpc=False)

    async def set_preference(self, name: str, state: State, *, keep: bool = False) -> None:
        """Set a contact's preference."""
        await self.clients.sender.preferences.set_preference(
            name, DoNotTrack(state.name), history=History.KEEP if keep else History.ANONYMIZE
        )
        self.expected.set_preference(name, state, keep=keep)

    async def erase(self, name: str) -> None:
        """Erase a contact."""
        await self.clients.sender.preferences.erase_contact(name)
        self.expected.erase(name)

    async def set_mode(self, mode: Mode) -> None:
        """Change the mode of contacts without a preference, and wait for the anonymization."""
        admin = self.clients.admin.admin
        await admin.update_policy(PolicyUpdate(mode_when_unset=ClientMode(mode.name)))
        self.policy = replace(self.policy, when_unset=mode)
        self.expected.update_policy(self.policy)

        async def is_done() -> bool:
            return (await admin.get_tenant()).anonymization is None

        await eventually(is_done, "the anonymization for the policy is done", pause=0.01)

    async def set_quorum(self, quorum: int) -> None:
        """Change the quorum; a campaign keeps the largest quorum it has had."""
        if not self.is_exact:
            await self.clients.admin.admin.update_policy(PolicyUpdate(quorum=quorum))
        self.quorum = max(self.quorum, quorum)

    async def close(self) -> None:
        """Close the campaign."""
        await self.clients.sender.campaigns.close_campaign("spring")

    async def request_stats(self) -> None:
        """Request the statistics and compare them with the previous response."""
        stats = await self.clients.reporter.stats.get_campaign_stats("spring")
        self.tried += 1
        found = len(self.found)
        after = numbers(stats)
        combined = after
        if self.quorum > self.setup.quorum:
            # The number of people who clicked any link of a group follows the counts of
            # its links. After a change of quorum it can move from a multiple of the old
            # quorum to a multiple of the new one, so it is excluded from the combinations.
            combined = {place: n for place, n in after.items() if not _is_of_any_link(place)}
        self.found += small_combinations(self._before, combined, self.quorum)
        self.moved += any(after[place] != self._before.get(place, 0) for place in after)
        self._before = after
        if not self.is_exact:
            assert stats.quorum == self.quorum
            self.expected.publish(self.quorum)
            self.found += [*sums_that_differ(stats), *self.expected.differences(after)]
        self.succeeded += len(self.found) > found


def _is_of_any_link(place: str) -> bool:
    return "clicks" in place and not place.startswith("links")
