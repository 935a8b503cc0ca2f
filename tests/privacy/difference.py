"""A campaign that much happens to, and an attacker who keeps every answer about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hushpost_client import DoNotTrack, Event, History, PolicyUpdate, Verdict
from hushpost_client import Mode as ClientMode
from tests.conftest import Clients
from tests.mailing import eventually
from tests.modes.model import Mode, Policy, State, Token

from .combining import Numbers, numbers, small_combinations, sums_that_differ
from .truth import Truth

__all__ = ["Difference", "Setup"]


@dataclass(frozen=True)
class Setup:
    """What a story begins with. `choices`: preferences of contacts, by group."""

    quorum: int
    links: int
    when_unset: Mode
    choices: Sequence[Sequence[State]]


@dataclass
class Difference:
    """A story under way. `found` is what the attacker makes of the answers.

    `tried`: times of asking; of these there were `succeeded` after which something
    was found, and `moved` at which a number had changed.
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
        self.truth = Truth(self.policy, len(setup.choices), setup.links)
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
        self.truth.created = [len(self.truth.moments) - 1] * len(setup.choices)
        for group, members in enumerate(names):
            issued = await campaigns.issue_tokens("spring", str(group), members)
            for token in issued.tokens:
                assert token.token
                sent = self.truth.issue(group, token.contact_id)
                self.messages.append((token.contact_id, token.token, sent))

    def name(self, number: int) -> str:
        """Return one of the contacts."""
        return self.messages[number % len(self.messages)][0]

    async def act(self, who: Sequence[int], link: int, verdict: Verdict) -> None:
        """Record an event of each of some messages, in one call."""
        signal = link % (self.setup.links + 1)
        chosen = [self.messages[number % len(self.messages)] for number in who]
        events = [
            Event(token, link_number=signal or None, verdict=verdict) for _, token, _ in chosen
        ]
        recorded = await self.clients.edge.tracking.record_events(events)
        assert not recorded.rejected
        for _, _, token in chosen:
            machine = verdict is Verdict.SCANNER
            self.truth.record(token, signal, 0, machine=machine, gpc=False)

    async def set_preference(self, name: str, state: State, *, keep: bool = False) -> None:
        """Let a contact choose."""
        await self.clients.sender.preferences.set_preference(
            name, DoNotTrack(state.name), history=History.KEEP if keep else History.ANONYMIZE
        )
        self.truth.set_preference(name, state, keep=keep)

    async def erase(self, name: str) -> None:
        """Forget a contact."""
        await self.clients.sender.preferences.erase_contact(name)
        self.truth.erase(name)

    async def set_mode(self, mode: Mode) -> None:
        """Change what becomes of those who did not choose, and wait until it is done."""
        admin = self.clients.admin.admin
        await admin.update_policy(PolicyUpdate(mode_when_unset=ClientMode(mode.name)))
        self.policy = replace(self.policy, when_unset=mode)
        self.truth.update_policy(self.policy)

        async def is_done() -> bool:
            return (await admin.get_tenant()).anonymization is None

        await eventually(is_done, "the policy's folding is done", pause=0.01)

    async def set_quorum(self, quorum: int) -> None:
        """Change k; a campaign keeps the greatest."""
        if not self.is_exact:
            await self.clients.admin.admin.update_policy(PolicyUpdate(quorum=quorum))
        self.quorum = max(self.quorum, quorum)

    async def close(self) -> None:
        """Close the campaign."""
        await self.clients.sender.campaigns.close_campaign("spring")

    async def ask(self) -> None:
        """Ask for the numbers, and combine them with those of before."""
        stats = await self.clients.reporter.stats.get_campaign_stats("spring")
        self.tried += 1
        found = len(self.found)
        after = numbers(stats)
        combined = after
        if self.quorum > self.setup.quorum:
            # Who clicked any link of a group is told as far as one of its links tells
            # it anyway: up to a multiple of one k, from one of another.
            combined = {place: n for place, n in after.items() if not _is_of_any_link(place)}
        self.found += small_combinations(self._before, combined, self.quorum)
        self.moved += any(after[place] != self._before.get(place, 0) for place in after)
        self._before = after
        if not self.is_exact:
            assert stats.quorum == self.quorum
            self.truth.ask(self.quorum)
            self.found += [*sums_that_differ(stats), *self.truth.differences(after)]
        self.succeeded += len(self.found) > found


def _is_of_any_link(place: str) -> bool:
    return "clicks" in place and not place.startswith("links")
