"""One campaign: mail it, read it, ask for its numbers, and judge them."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import fill

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from hushpost_client import Hushpost, Mode
from hushpost_demo.campaign import compile_campaign, groups_of, read_messages, wrong_modes
from hushpost_demo.clock import clear_of_full_hour
from hushpost_demo.contacts import Contact
from hushpost_demo.drawing import draw
from hushpost_demo.edge import RunningEdge
from hushpost_demo.judging import judge
from hushpost_demo.mailbox import Mailbox, receiving
from hushpost_demo.model import Model
from hushpost_demo.plan import Message, Round, Step
from hushpost_demo.play import Player
from hushpost_demo.posting import post, warnings_of_sender
from hushpost_demo.present import play_steps
from hushpost_demo.reading import read_mail
from hushpost_demo.tables import print_report
from hushpost_demo.telling import tell_rounds, tell_sent
from hushpost_demo.visits import LEAVING, draw_steps

__all__ = ["Clients", "Mailing"]

_WIDTH = 80
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Clients:
    """A client of each role, and the edge."""

    sender: Hushpost
    edge: Hushpost
    reporter: Hushpost
    http: RunningEdge


class Mailing:
    """A campaign to all contacts.

    Attributes:
        campaign_id: Its id, once it runs.
        shown: URL of one mail's HTML, whose reader is not anonymous.
        is_right: Whether every number was as it should be.
    """

    def __init__(
        self,
        clients: Clients,
        contacts: Sequence[Contact],
        quorum: int,
        mailbox: Mailbox,
        console: Console,
    ) -> None:
        self.campaign_id = ""
        self.shown = ""
        self.is_right = False
        self._clients = clients
        self._contacts = contacts
        self._quorum = quorum
        self._mailbox = mailbox
        self._console = console
        self._surprises: list[str] = []

    async def run(self, seed: int) -> None:
        """Mail the campaign, play what recipients do, and judge the report.

        Raises:
            DemoError: if mail is lost, or the edge does not answer.
            HushpostError: if the authority refuses a call.
        """
        # Habits, not secrets.
        rng = random.Random(seed)  # noqa: S311
        messages, model, player = await self._send()
        may_leave = self._may_leave(messages)
        leaving_now = rng.sample(may_leave, min(LEAVING, len(may_leave)))
        self._show(next(message for message in may_leave if message not in leaving_now))
        left_before = [message for message in may_leave if message not in leaving_now]
        now = await clear_of_full_hour()
        rounds = draw(messages, left_before, len(model.links), now, rng)
        await self._play_before(player, rounds)
        tell_rounds(model, rounds)
        await self._play_now(player, draw_steps(messages, leaving_now, rng), model)
        await self._report(model, messages)

    async def _send(self) -> tuple[list[Message], Model, Player]:
        """Render and send the mails; return what arrived, and who is to follow it."""
        now = await clear_of_full_hour()
        started = time.monotonic()
        with warnings_of_sender() as warnings:
            campaign = await compile_campaign(
                self._clients.sender, self._contacts, self._clients.http.url, now
            )
            self.campaign_id = campaign.campaign_id
            async with receiving(self._mailbox) as port:
                modes = await post(campaign, self._contacts, port, now)
        self._surprises += wrong_modes(self._contacts, modes)
        messages = read_messages(self._mailbox, self._contacts, modes)
        seconds = time.monotonic() - started
        self._say(
            f"campaign {campaign.campaign_id}: {len(messages):,} mails with "
            f"{len(campaign.links)} tracked links each\n"
            f"  rendered, sent by SMTP to {self._mailbox.folder}/, and read there, {seconds:.1f} s"
        )
        for warning in warnings:
            self._say(_indented(f"warning: {warning}"))
        groups = groups_of(self._contacts)
        model = Model(campaign.campaign_id, campaign.links, groups, self._quorum)
        tell_sent(model, messages, now)
        return messages, model, Player(self._clients.edge, self._clients.sender, campaign.links)

    def _may_leave(self, messages: Sequence[Message]) -> list[Message]:
        """Return who may opt out.

        Only whose preference the file sets: the next import sets it back, so that
        every run starts from the same.
        """
        return [
            message
            for message, contact in zip(messages, self._contacts, strict=True)
            if message.mode is Mode.IDENTIFIED and contact.wishes is not None
        ]

    def _show(self, message: Message) -> None:
        name = self._contacts[message.number].mailbox
        html = read_mail(self._mailbox.path(name).read_bytes()).html
        self.shown = self._mailbox.show(name, html)

    async def _play_before(self, player: Player, rounds: tuple[Round, ...]) -> None:
        started = time.monotonic()
        with self._progress("the hours before", len(rounds)) as progress:
            await player.play(rounds, progress)
        seconds = time.monotonic() - started
        sent = player.sent
        self._surprises += sent.surprises
        self._say(
            f"the hours before: {sent.opens:,} opens and {sent.clicks:,} clicks by gRPC, "
            f"{seconds:.1f} s\n"
            f"  {sent.single_calls:,} single calls and {sent.batches:,} batches, {sent.again:,} of "
            "them sent again with the same request_id\n"
            f"  {sent.refused:,} bad events came back refused, {sent.opt_outs:,} contacts opted out"
        )

    async def _play_now(self, player: Player, steps: tuple[Step, ...], model: Model) -> None:
        started = time.monotonic()
        with self._progress("the present hour", len(steps)) as progress:
            visited = await play_steps(self._clients.http, player, steps, model, progress)
        seconds = time.monotonic() - started
        self._surprises += visited.surprises
        visitors = "; ".join(
            f"{number:,} by {who}" for who, number in visited.requests.most_common()
        )
        self._say(
            f"the present hour: {visited.opens:,} opens and {visited.clicks:,} clicks over HTTP, "
            f"counted after {seconds:.1f} s\n"
            f"{_indented(f'requests: {visitors}')}\n"
            f"  {visited.damaged:,} damaged tokens were redirected and not counted, "
            f"{visited.opt_outs:,} contacts opted out"
        )

    async def _report(self, model: Model, messages: Sequence[Message]) -> None:
        asked = await clear_of_full_hour()
        reporter = self._clients.reporter
        stats = await reporter.stats.get_campaign_stats(self.campaign_id)
        print_report(self._console, stats)
        judgement = await judge(
            reporter, model, messages, model.stats(asked), stats, self._surprises
        )
        self.is_right = judgement.is_right
        self._say("\n".join(judgement.lines))

    @contextmanager
    def _progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar while something goes on; it is to be told how much of it is done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done: progress.update(task, completed=done)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _indented(text: str) -> str:
    return fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
