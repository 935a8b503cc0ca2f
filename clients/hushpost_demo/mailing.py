"""One campaign: mail it, play it, ask for its numbers, and judge them."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from hushpost_client import Campaign, CampaignStats, Engagement, Hushpost, Mode
from hushpost_demo.campaign import LINKS, create_campaign, groups_of, issue_tokens
from hushpost_demo.check import differences, numbers
from hushpost_demo.contacts import Contact
from hushpost_demo.drawing import draw
from hushpost_demo.model import Model
from hushpost_demo.plan import Message, Round
from hushpost_demo.play import Player
from hushpost_demo.tables import print_report

__all__ = ["Clients", "Mailing"]

_HOUR_SECONDS = 3600
_MARGIN_SECONDS = 5
_SHOWN_DIFFERENCES = 30


@dataclass(frozen=True, slots=True)
class Clients:
    """A client of each role."""

    sender: Hushpost
    edge: Hushpost
    reporter: Hushpost


class Mailing:
    """A campaign to all contacts.

    Attributes:
        campaign_id: Its id, once it runs.
        is_right: Whether every number was as it should be.
    """

    def __init__(
        self,
        clients: Clients,
        contacts: Sequence[Contact],
        quorum: int,
        seed: int,
        console: Console,
    ) -> None:
        self.campaign_id = ""
        self.is_right = False
        self._clients = clients
        self._contacts = contacts
        self._quorum = quorum
        self._seed = seed
        self._console = console
        self._surprises: list[str] = []

    async def run(self) -> None:
        """Mail the campaign, play what recipients do, and judge the report."""
        groups = groups_of(self._contacts)
        now = await _clear_of_full_hour()
        campaign = await create_campaign(self._clients.sender, groups, now)
        self.campaign_id = campaign.campaign_id
        messages = await self._issue(campaign, groups)
        rounds = draw(
            messages,
            self._may_leave(messages),
            len(LINKS),
            now,
            # Habits, not secrets.
            random.Random(self._seed),  # noqa: S311
        )
        await self._play(campaign, rounds)
        model = Model(campaign.campaign_id, LINKS, list(groups), self._quorum)
        _tell(model, messages, rounds, now)
        asked = await _clear_of_full_hour()
        stats = await self._clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
        print_report(self._console, stats)
        await self._judge(model, messages, asked, stats)

    async def _issue(self, campaign: Campaign, groups: dict[str, list[Contact]]) -> list[Message]:
        messages, few, surprises = await issue_tokens(self._clients.sender, campaign, groups)
        self._surprises += surprises
        self._say(f"campaign {campaign.campaign_id}: {len(messages):,} tokens issued")
        for group in few:
            self._say(
                f"  the authority warns: {group} has fewer than {self._quorum} anonymous messages"
            )
        return messages

    def _may_leave(self, messages: Sequence[Message]) -> list[Message]:
        """Return who may opt out.

        Only whose preference the file sets: the next import sets it back, so that
        every run starts from the same.
        """
        return [
            message
            for message in messages
            if message.mode is Mode.IDENTIFIED and self._told(message) is not None
        ]

    def _told(self, message: Message) -> str | None:
        by_id = {contact.contact_id: contact for contact in self._contacts}
        return by_id[message.contact_id].do_not_track

    async def _play(self, campaign: Campaign, rounds: tuple[Round, ...]) -> None:
        player = Player(self._clients.edge, self._clients.sender, campaign)
        started = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task("playing hour by hour", total=len(rounds))
            await player.play(rounds, lambda done: progress.update(task, completed=done))
        seconds = time.monotonic() - started
        sent = player.sent
        self._surprises += sent.surprises
        self._say(
            f"{sent.opens:,} opens and {sent.clicks:,} clicks in {sent.single_calls:,} single "
            f"calls and {sent.batches:,} batches, {seconds:.1f} s\n"
            f"  on the way, {sent.again:,} calls were sent again with the same request_id, "
            f"{sent.refused:,} bad events\n"
            f"  came back refused, and {sent.opt_outs:,} contacts opted out"
        )

    async def _judge(
        self,
        model: Model,
        messages: Sequence[Message],
        asked: datetime,
        stats: CampaignStats,
    ) -> None:
        """Compare what was answered with what was sent, and say so."""
        expected = numbers(model.stats(asked))
        for number, (opens, clicks) in model.engaged().items():
            expected |= _engaged(messages[number].contact_id, opens, clicks)
        answered = numbers(stats)
        async for contact in self._clients.reporter.stats.list_engaged_contacts(
            stats.campaign_id, Engagement.ANY, include_machine=True, page_size=1000
        ):
            answered |= _engaged(contact.contact_id, contact.open_count, contact.click_count)
        found = [*self._surprises, *differences(expected, answered)]
        self.is_right = not found
        for line in found[:_SHOWN_DIFFERENCES]:
            self._say(f"WRONG {line}")
        if found:
            self._say(f"{len(found):,} differences from what was sent")
            return
        events, cells = model.held_back()
        self._say(
            f"all {len(expected):,} numbers match what was sent; {events:,} anonymous events in "
            f"{cells:,} cells are held back for now"
        )

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _tell(
    model: Model, messages: Sequence[Message], rounds: tuple[Round, ...], now: datetime
) -> None:
    """Tell the model what was sent: each call once, and nothing of what was refused."""
    for message in messages:
        model.send(message.group, message.mode, now)
    for current in rounds:
        for call in current.calls:
            for action in call.actions:
                model.record(
                    action.message.number,
                    action.link,
                    action.time,
                    action.verdict,
                    privacy_signal=action.privacy_signal,
                )
        for opt_out in current.opt_outs:
            model.opt_out(opt_out.message.number)


def _engaged(contact_id: str, opens: int, clicks: int) -> dict[str, object]:
    return {f"engaged {contact_id} > opens": opens, f"engaged {contact_id} > clicks": clicks}


async def _clear_of_full_hour() -> datetime:
    """Return the time, a few seconds from its hour's end at least.

    So that it is certain in which hour the authority counts what follows.
    """
    left = _HOUR_SECONDS - time.time() % _HOUR_SECONDS
    if left < _MARGIN_SECONDS:
        await asyncio.sleep(left + 0.1)
    return datetime.now(UTC)
