"""Plays the past hours over gRPC, as edges, preference pages and senders do."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from hushpost_client import Consent, DoNotTrack, Hushpost, Mode, NewLink
from tests.simulation.plan import Call, OptOut, Round

__all__ = ["Player", "Sent"]

_CALLS_AT_A_TIME = 32


@dataclass(slots=True)
class Sent:
    """Counts the calls, and collects unexpected responses.

    Attributes:
        opens: Opens that count.
        clicks: Clicks that count.
        single_calls: RecordOpen and RecordClick.
        batches: RecordEvents.
        again: Calls among these that were sent before.
        refused: Events that were refused, as they should be.
        opt_outs: Contacts that opted out.
        differences: Unexpected responses.
    """

    opens: int = 0
    clicks: int = 0
    single_calls: int = 0
    batches: int = 0
    again: int = 0
    refused: int = 0
    opt_outs: int = 0
    differences: list[str] = field(default_factory=list)


class Player:
    """Plays the rounds of a campaign with keys of two roles."""

    def __init__(self, edge: Hushpost, sender: Hushpost, links: Sequence[NewLink]) -> None:
        self._edge = edge
        self._sender = sender
        self._urls = {number: link.url for number, link in enumerate(links, 1)}
        self._room = asyncio.Semaphore(_CALLS_AT_A_TIME)
        self.sent = Sent()

    async def play(self, rounds: tuple[Round, ...]) -> None:
        """Send one round after the other.

        Raises:
            HushpostError: if a call fails; those under way are given up.
        """
        for current in rounds:
            try:
                await self._round(current)
            except ExceptionGroup as failed:
                # The first error is enough; callers expect no exception group.
                raise failed.exceptions[0] from failed

    async def _round(self, current: Round) -> None:
        async with asyncio.TaskGroup() as tasks:
            for call in current.calls:
                self._count(call)
                for _ in range(call.times):
                    tasks.create_task(self._in_turn(self._send(call)))
            for call in current.repeats:
                self.sent.again += 1
                tasks.create_task(self._in_turn(self._send(call)))
        # Not concurrently: events that were identified before are counted separately from
        # others.
        async with asyncio.TaskGroup() as tasks:
            for opt_out in current.opt_outs:
                tasks.create_task(self._in_turn(self.opt_out(opt_out)))

    async def _in_turn(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._room:
            await work

    def _count(self, call: Call) -> None:
        clicks = sum(action.link > 0 for action in call.actions)
        self.sent.clicks += clicks
        self.sent.opens += len(call.actions) - clicks
        self.sent.again += call.times - 1
        self.sent.refused += len(call.refused)

    async def _send(self, call: Call) -> None:
        if call.is_batch:
            self.sent.batches += 1
            await self._send_batch(call)
            return
        self.sent.single_calls += 1
        (event,) = call.events
        if event.link_number:
            url = await self._edge.tracking.record_click(
                event.token,
                event.link_number,
                click_time=event.event_time,
                verdict=event.verdict,
                privacy_signal=event.privacy_signal,
                request_id=call.request_id,
            )
            self._expect(f"URL of link {event.link_number}", self._urls[event.link_number], url)
        else:
            await self._edge.tracking.record_open(
                event.token,
                open_time=event.event_time,
                verdict=event.verdict,
                privacy_signal=event.privacy_signal,
                request_id=call.request_id,
            )

    async def _send_batch(self, call: Call) -> None:
        recorded = await self._edge.tracking.record_events(call.events, request_id=call.request_id)
        self._expect("events accepted of a batch", len(call.actions), recorded.accepted_count)
        refused = {item.index: item.reason for item in recorded.rejected}
        self._expect("events refused of a batch", call.refused, refused)

    async def opt_out(self, opt_out: OptOut) -> None:
        """Set a preference to TRUE, or withdraw consent to clicks. Raises HushpostError."""
        self.sent.opt_outs += 1
        message = opt_out.message
        view = None if opt_out.of_clicks_only else DoNotTrack.TRUE
        clicks = Consent.WITHDRAWN if opt_out.of_clicks_only else None
        if opt_out.by_token:
            preference = await self._edge.preferences.set_preference_by_token(
                message.preference_token, view, clicks_consent=clicks, evidence="preference page"
            )
        else:
            preference = await self._sender.preferences.set_preference(
                message.contact_id, view, clicks_consent=clicks, evidence="letter to the shop"
            )
        self._expect("preference after an opt-out", DoNotTrack.TRUE, preference.do_not_track)
        self._expect("mode of clicks after an opt-out", Mode.ANONYMOUS, preference.clicks_mode)

    def _expect(self, what: str, expected: object, reported: object) -> None:
        if expected != reported:
            self.sent.differences.append(f"{what}: expected {expected}, got {reported}")
