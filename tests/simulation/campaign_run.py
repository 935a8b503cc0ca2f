"""Plays a whole campaign and compares every number of its report with the oracle."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hushpost_client import CampaignStats, Engagement, Hushpost, Mode
from hushpost_demo.contacts import Contact
from hushpost_demo.edge import RunningEdge
from hushpost_demo.mailbox import Mailbox, receiving
from hushpost_demo.sending import create_campaign, groups_of
from hushpost_service.domain.release_plan import LINKS_PER_CONTACT
from tests.simulation.estimates import Deviation, deviations, exact_numbers
from tests.simulation.full_hour import clear_of_full_hour
from tests.simulation.grpc_player import Player
from tests.simulation.http_player import play_steps
from tests.simulation.messages import read_messages, unexpected_modes
from tests.simulation.oracle import Model
from tests.simulation.oracle_feed import feed_messages, feed_rounds
from tests.simulation.partial_refusals import refuse_one_purpose
from tests.simulation.past_hours import draw
from tests.simulation.plan import Message
from tests.simulation.present_hour import LEAVING, draw_steps
from tests.simulation.report_diff import differences, numbers
from tests.simulation.sending import send_with_crash

__all__ = ["CampaignRun", "Clients"]


@dataclass(frozen=True, slots=True)
class Clients:
    """A client per role, and the edge."""

    sender: Hushpost
    edge: Hushpost
    reporter: Hushpost
    http: RunningEdge


class CampaignRun:
    """A campaign to all contacts.

    Attributes:
        differences: How the service's responses differ from the prediction.
        compared: How many numbers of the report were compared.
        deviations: How far the estimates of the report are from the prediction; empty if
            counts are exact.
    """

    def __init__(self, clients: Clients, contacts: Sequence[Contact], mailbox: Mailbox) -> None:
        self.differences: list[str] = []
        self.compared = 0
        self.deviations: list[Deviation] = []
        self._clients = clients
        self._contacts = contacts
        self._mailbox = mailbox

    async def play(
        self, seed: int, release: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        """Send the mails, play what recipients and machines do, and compare the report.

        Args:
            seed: Seed of the recipients' behaviour.
            release: Releases the counts of a campaign; None if counts are exact.
        """
        rng = random.Random(seed)  # noqa: S311 - repeatable behaviour, not secrets
        messages, model, player = await self._send()
        may_leave = self._may_leave(messages)
        leaving_now = rng.sample(may_leave, min(LEAVING, len(may_leave)))
        left_before = [message for message in may_leave if message not in leaving_now]
        now = await clear_of_full_hour()
        rounds = draw(messages, left_before, len(model.links), now, rng)
        await player.play(rounds)
        feed_rounds(model, rounds)
        steps = draw_steps(messages, leaving_now, rng)
        self.differences += await play_steps(self._clients.http, player, steps, model)
        self.differences += player.sent.differences
        if release is not None:
            await release(self._campaign_id)
        await self._compare(model, messages)

    async def _send(self) -> tuple[list[Message], Model, Player]:
        now = await clear_of_full_hour()
        sender, contacts = self._clients.sender, self._contacts
        refusals = await refuse_one_purpose(sender, contacts)
        campaign = await create_campaign(sender, contacts, self._clients.http.url)
        async with receiving(self._mailbox) as port:
            modes = await send_with_crash(campaign, contacts, port, now)
        self.differences += unexpected_modes(contacts, modes, refusals)
        messages = read_messages(self._mailbox, contacts, modes)
        model = Model(campaign.campaign_id, campaign.links, list(groups_of(contacts)))
        feed_messages(model, messages, now)
        self._campaign_id = campaign.campaign_id
        return messages, model, Player(self._clients.edge, sender, campaign.links)

    def _may_leave(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages whose recipients may opt out.

        The contacts file has their preference, so that the next import resets it.
        """
        return [
            message
            for message, contact in zip(messages, self._contacts, strict=True)
            if message.modes == (Mode.IDENTIFIED, Mode.IDENTIFIED)
            and contact.expected_mode is not None
        ]

    async def _compare(self, model: Model, messages: Sequence[Message]) -> None:
        reporter = self._clients.reporter
        stats = await reporter.stats.get_campaign_stats(self._campaign_id)
        expected = numbers(model.stats())
        for number, (opens, clicks) in model.engaged().items():
            expected |= _engaged(messages[number].contact_id, opens, clicks)
        reported = numbers(stats) | await _engaged_contacts(reporter, stats)
        if not stats.release.exact:
            expected, reported = exact_numbers(expected), exact_numbers(reported)
            few_links = model.clicks_of_few_links(LINKS_PER_CONTACT)
            self.deviations = deviations(model.stats(), stats, few_links)
        self.differences += differences(expected, reported)
        self.compared = len(expected)


async def _engaged_contacts(reporter: Hushpost, stats: CampaignStats) -> dict[str, object]:
    found: dict[str, object] = {}
    async for contact in reporter.stats.list_engaged_contacts(
        stats.campaign_id, Engagement.ANY, include_machine=True, page_size=1000
    ):
        found |= _engaged(contact.contact_id, contact.open_count, contact.click_count)
    return found


def _engaged(contact_id: str, opens: int, clicks: int) -> dict[str, object]:
    return {f"engaged {contact_id} > opens": opens, f"engaged {contact_id} > clicks": clicks}
