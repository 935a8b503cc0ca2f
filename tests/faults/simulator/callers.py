"""Carries out the steps of a plan, and notes in the ledger what is acknowledged."""

import asyncio
import random
from collections.abc import Sequence
from math import inf
from typing import Any
from uuid import UUID

from google.protobuf.message import Message as Proto

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, stats_pb2, tracking_pb2
from tests.edge.raw_http import get
from tests.wire import Wire

from . import steps
from .cluster import Cluster
from .ledger import Ledger, Message
from .repeated_calls import Answer, RepeatedCalls
from .timeline import Interval

__all__ = ["Callers"]

GROUP = "readers"
_HUMAN, _SCANNER = 1, 4
_MACHINE_AGENT = "curl/8.0"


class Callers:
    """The callers of a run.

    Args:
        cluster: What they call.
        ledger: Where they note what they are told.
        wires: One channel to each authority, through its proxy.

    Attributes:
        calls: Makes their calls.
    """

    def __init__(self, cluster: Cluster, ledger: Ledger, wires: Sequence[Wire]) -> None:
        self._cluster = cluster
        self._keys = cluster.keys
        self._ledger = ledger
        self.calls = RepeatedCalls(ledger, wires)
        self._loop = asyncio.get_running_loop()
        self._networks = iter(range(1 << 16))

    async def run(
        self, planned: Sequence[steps.Step], parallel: int, pause: float, seed: int
    ) -> None:
        """Carry out the steps of one caller, so many at once."""
        rng = random.Random(seed)  # noqa: S311 - repeatable
        pending = iter(planned)

        async def carry_out() -> None:
            for step in pending:
                await self.carry_out(step)
                await asyncio.sleep(rng.uniform(0, pause))

        await asyncio.gather(*(carry_out() for _ in range(parallel)))

    async def carry_out(self, step: steps.Step) -> None:
        """Carry out one step."""
        match step:
            case steps.Record():
                await self._record(step)
            case steps.Visit():
                await self._visit(step)
            case steps.SetPreference():
                await self._set_preference(step)
            case steps.BatchPreferences():
                await self._set_preferences(step)
            case steps.Erase():
                await self._erase(step)
            case steps.Policy():
                await self._update_policy(step)
            case steps.Mail():
                await self._mail(step)
            case steps.Read():
                await self._read(step)

    async def _record(self, step: steps.Record) -> None:
        messages = self._ledger.messages
        events = step.events
        if any((event.campaign, event.contact) not in messages for event in events):
            return  # its mailing has failed, which is an error already
        if step.is_batch:
            await self._record_batch(step)
            return
        (event,) = events
        token = messages[event.campaign, event.contact].token
        method, request = _single(event, token, step.request_id)
        answer = await self.calls.make(
            method, request, self._keys.edge_key, step.copies, is_repeated=step.is_repeated
        )
        if event.link and answer.response is not None:
            self._expect(answer.response.url == steps.LINKS[event.link - 1], "another URL")
        self._note(events, answer)

    async def _record_batch(self, step: steps.Record) -> None:
        items = [
            tracking_pb2.Event(
                token=self._ledger.messages[event.campaign, event.contact].token,
                link_number=event.link,
                verdict=_verdict(event),
                privacy_signal=event.privacy_signal,
            )
            for event in step.events
        ]
        for position in step.garbage:
            items.insert(position, tracking_pb2.Event(token="AQ" + "A" * 54))
        request = tracking_pb2.RecordEventsRequest(
            events=items, request_id=str(step.request_id or "")
        )
        answer = await self.calls.make(
            "RecordEvents", request, self._keys.edge_key, step.copies, is_repeated=step.is_repeated
        )
        if answer.response is not None:
            rejected = tuple(item.index for item in answer.response.rejected)
            self._expect(rejected == step.garbage, f"rejected {rejected}, not {step.garbage}")
            self._expect(answer.response.accepted_count == len(step.events), "another count")
        self._note(step.events, answer)

    def _note(self, events: Sequence[steps.PlannedEvent], answer: Answer) -> None:
        if answer.response is not None:
            self._ledger.record(events, answer.when, is_sure=True)
        elif answer.is_unknown:
            self._ledger.record(events, Interval(answer.when.start, inf), is_sure=False)

    async def _visit(self, step: steps.Visit) -> None:
        message = self._ledger.messages.get((step.event.campaign, step.event.contact))
        if message is None:
            return
        for number in (step.edge, 1 - step.edge):
            if await self._fetch(step.event, message, number):
                return

    async def _fetch(self, event: steps.PlannedEvent, message: Message, number: int) -> bool:
        """Follow a link or fetch a pixel; return whether the edge answered."""
        part = self._cluster.edges[number]
        path = f"/c/{message.token}/{event.link}" if event.link else f"/o/{message.token}.gif"
        # A network of its own, because two links from one network could be a scanner's burst.
        network = next(self._networks)
        headers = [f"X-Forwarded-For: 10.{network >> 8}.{network & 255}.1"]
        if event.privacy_signal:
            headers.append("Sec-GPC: 1")
        agent = {"agent": _MACHINE_AGENT} if event.machine else {}
        start = self._loop.time()
        try:
            response = await get(self._cluster.edge(number).port, path, *headers, **agent)
        except (OSError, EOFError) as error:
            when = Interval(start, self._loop.time())
            if not isinstance(error, ConnectionRefusedError):
                self._ledger.record([event], Interval(start, inf), is_sure=False)
            self._expect(part.was_disturbed(when), f"no answer from edge {number}: {error!r}")
            return False
        when = Interval(start, self._loop.time())
        if response.status == 503 and event.campaign not in steps.CAMPAIGNS:
            return True  # the edge does not know the new link yet, and counts nothing
        expected = (302, steps.LINKS[event.link - 1].encode()) if event.link else (200, b"")
        found = response.status, response.headers.get("location", b"")
        self._expect(found == expected, f"edge {number} answered {found} to {event}")
        # An event that could not be written is dropped, and the edge reports it in its metrics.
        is_sure = not part.had_full_disk(when)
        self._ledger.record([event], Interval(start, inf), is_sure=is_sure)
        return True

    async def _set_preference(self, step: steps.SetPreference) -> None:
        request = preference_pb2.SetPreferenceRequest(
            contact_id=step.contact,
            do_not_track=step.do_not_track,  # type: ignore[arg-type] # numbered as on the wire
            request_id=str(step.request_id),
        )
        answer = await self.calls.make("SetPreference", request, self._keys.sender_key, step.copies)
        if answer.response is not None:
            await self._note_preferences([(step.contact, step.do_not_track)], answer.when)

    async def _set_preferences(self, step: steps.BatchPreferences) -> None:
        entries = [
            preference_pb2.PreferenceEntry(
                contact_id=contact,
                do_not_track=value,  # type: ignore[arg-type] # numbered as on the wire
            )
            for contact, value in step.entries
        ]
        request = preference_pb2.BatchSetPreferencesRequest(
            entries=entries, request_id=str(step.request_id)
        )
        answer = await self.calls.make("BatchSetPreferences", request, self._keys.sender_key)
        if answer.response is not None:
            await self._note_preferences(step.entries, answer.when)

    async def _note_preferences(self, entries: Sequence[tuple[str, int]], when: Interval) -> None:
        for contact, value in entries:
            self._ledger.preferences[contact].change(when, value)
        declined = [contact for contact, value in entries if value == steps.TRUE]
        if declined:
            rows = await self._cluster.postgres.try_fetch(_ROWS_OF, declined)
            self._expect(not rows, f"rows name {declined} after their opt-out")

    async def _erase(self, step: steps.Erase) -> None:
        request = preference_pb2.EraseContactRequest(
            contact_id=step.contact, request_id=str(step.request_id)
        )
        answer = await self.calls.make("EraseContact", request, self._keys.sender_key)
        if answer.response is not None:
            self._ledger.erase(step.contact, answer.when)

    async def _update_policy(self, step: steps.Policy) -> None:
        request = admin_pb2.UpdatePolicyRequest(request_id=str(step.request_id))
        request.policy.mode_when_unset = step.mode  # type: ignore[assignment] # as above
        request.update_mask.paths.append("mode_when_unset")
        answer = await self.calls.make("UpdatePolicy", request, self._keys.admin_key)
        if answer.response is not None:
            self._ledger.policy.change(answer.when, step.mode)

    async def _mail(self, step: steps.Mail) -> None:
        create = campaign_pb2.CreateCampaignRequest(
            campaign_id=step.campaign,
            links=[campaign_pb2.Link(url=url) for url in steps.LINKS],
            groups=[campaign_pb2.Group(group_id=GROUP)],
            request_id=str(step.request_ids[0]),
        )
        created = await self.calls.make(
            "CreateCampaign", create, self._keys.sender_key, step.copies
        )
        if created.response is None:
            return
        self._ledger.created[step.campaign] = created.when
        issue = campaign_pb2.IssueTokensRequest(
            campaign_id=step.campaign,
            group_id=GROUP,
            contact_ids=step.contacts,
            request_id=str(step.request_ids[1]),
        )
        issued = await self.calls.make("IssueTokens", issue, self._keys.sender_key, step.copies)
        if issued.response is None:
            return
        for contact, item in zip(step.contacts, issued.response.tokens, strict=True):
            self._ledger.messages[step.campaign, contact] = Message(
                item.token, item.mode, issued.when
            )

    async def _read(self, step: steps.Read) -> None:
        event = step.event
        link = max(event.link, 1)
        message = self._ledger.messages[event.campaign, event.contact]
        resolve = tracking_pb2.ResolveLinkRequest(token=message.token, link_number=link)
        resolved = await self.calls.make("ResolveLink", resolve, self._keys.edge_key)
        if resolved.response is not None:
            self._expect(resolved.response.url == steps.LINKS[link - 1], "another URL")
        request = stats_pb2.GetCampaignStatsRequest(campaign_id=event.campaign)
        await self.calls.make("GetCampaignStats", request, self._keys.reporter_key)

    def _expect(self, holds: object, otherwise: str) -> None:
        if not holds:
            self._ledger.errors.append(otherwise)


_ROWS_OF = (
    "select contact_id, count(*) from events join contacts using (tenant, contact)"
    " where contact_id = any($1) group by 1"
)


def _single(event: steps.PlannedEvent, token: str, request_id: UUID | None) -> tuple[str, Proto]:
    verdict, identity = _verdict(event), str(request_id or "")
    if event.link:
        return "RecordClick", tracking_pb2.RecordClickRequest(
            token=token,
            link_number=event.link,
            verdict=verdict,
            privacy_signal=event.privacy_signal,
            request_id=identity,
        )
    return "RecordOpen", tracking_pb2.RecordOpenRequest(
        token=token, verdict=verdict, privacy_signal=event.privacy_signal, request_id=identity
    )


def _verdict(event: steps.PlannedEvent) -> Any:
    return _SCANNER if event.machine else _HUMAN
