"""Takes events in: opens their tokens, checks them, hands them to the recorder."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from hushpost_service.catalog import Catalog
from hushpost_service.errors import HushpostError, Reason
from hushpost_service.events import CAMPAIGN, Event, Events, joined
from hushpost_service.identifiers import checked_event_time, event_times
from hushpost_service.recorder import Recorder
from hushpost_service.storage.receipts import Method
from hushpost_service.token import TokenSealer, campaign_of, tenant_of

__all__ = ["Batch", "Intake", "Item", "Rejection"]

_NO_EVENTS: Events = np.empty((0, len(Event._fields)), np.int64)
_NOT_KNOWN = -1
"""So many links that no item is on one of them."""


class Item(NamedTuple):
    """An open (signal 0) or a click (signal n), as an edge reports it.

    `time` is in microseconds since 1970; None: now.
    """

    token: str
    signal: int
    time: int | None
    verdict: int
    privacy_signal: bool


class Batch(NamedTuple):
    """Items, a column for each field of `Item`, all of one length."""

    tokens: list[str]
    signals: list[int]
    times: list[int | None]
    verdicts: list[int]
    privacy_signals: list[bool]

    def item(self, index: int) -> Item:
        """Return one of the items."""
        return Item(
            self.tokens[index],
            self.signals[index],
            self.times[index],
            self.verdicts[index],
            self.privacy_signals[index],
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item of a batch that was refused."""

    index: int
    error: HushpostError


class Intake:
    """What edges call."""

    def __init__(
        self,
        sealer: TokenSealer,
        catalog: Catalog,
        recorder: Recorder,
        clock: Callable[[], datetime],
    ) -> None:
        self._sealer = sealer
        self._catalog = catalog
        self._recorder = recorder
        self._clock = clock

    async def record_open(self, item: Item, request: UUID | None) -> None:
        """Record an open; return once it is durable."""
        event = self._event(item, self._now()) or await self._unfamiliar_event(item)
        await self._recorder.record(
            Method.RECORD_OPEN, request, {tenant_of(event.campaign): [event]}
        )

    async def record_click(self, item: Item, request: UUID | None) -> str:
        """Record a click; return where its link leads once it is durable."""
        if item.signal == 0:
            # In a batch it would be an open.
            raise _no_such_link()
        event = self._event(item, self._now()) or await self._unfamiliar_event(item)
        await self._recorder.record(
            Method.RECORD_CLICK, request, {tenant_of(event.campaign): [event]}
        )
        facts = self._catalog.known(event.campaign) or await self._catalog.look_up(event.campaign)
        return facts.urls[event.signal - 1]

    async def record_batch(self, batch: Batch, request: UUID | None) -> list[Rejection]:
        """Record the good items of a batch; return the bad ones once all is durable."""
        now = self._now()
        fine, others = self._fine_events(batch, now)
        rest: list[Event] = []
        rejections = []
        for index in others:
            item = batch.item(index)
            try:
                rest.append(self._event(item, now) or await self._unfamiliar_event(item))
            except HushpostError as error:
                if error.reason not in _ITEM_REASONS:
                    raise
                rejections.append(Rejection(index, error))
        events = joined([fine, rest])
        tenants = tenant_of(events[:, CAMPAIGN])
        await self._recorder.record(
            Method.RECORD_EVENTS,
            request,
            {tenant: events[tenants == tenant] for tenant in set(tenants.tolist())},
        )
        return rejections

    def _fine_events(self, batch: Batch, now: int) -> tuple[Events, list[int]]:
        """Return the events of all items with which all is well, and the others' indexes.

        Of the others each is to be looked at by itself: a token that does not open, a
        campaign or link that is not remembered, a time out of bounds.
        """
        parts, is_open = self._sealer.open_batch(batch.tokens)
        times = [now if time is None else time for time in batch.times]
        try:
            told = np.array([batch.signals, batch.verdicts, times, batch.privacy_signals], np.int64)
        except OverflowError:  # a time of no epoch
            return _NO_EVENTS, list(range(len(times)))
        signal, _, time, _ = told
        campaigns, which = np.unique(parts[:, 0], return_inverse=True)
        known = [self._catalog.known(campaign) for campaign in campaigns.tolist()]
        links = np.array([_NOT_KNOWN if facts is None else len(facts.urls) for facts in known])
        created = np.array([0 if facts is None else facts.created for facts in known])
        earliest, latest = event_times(now)
        is_fine = is_open & (signal >= 0) & (signal <= links[which])
        is_fine &= (time >= earliest) & (time <= latest)
        events = np.column_stack([parts, told.T, created[which]])[is_fine]
        return events, np.flatnonzero(~is_fine).tolist()

    async def resolve(self, token: str, link: int) -> str:
        """Return where a link leads, by the part of the token that is in clear."""
        return await self._catalog.url(campaign_of(token), link)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _event(self, item: Item, now: int) -> Event | None:
        """Open and check an item; None where its campaign or link is not remembered.

        Raises TOKEN_INVALID, LINK_NOT_FOUND, EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD.
        """
        text, signal, time, verdict, privacy_signal = item
        campaign, contact, group, slot = self._sealer.open(text)
        facts = self._catalog.known(campaign)
        if facts is None or signal > len(facts.urls):
            return None
        if signal < 0:
            raise _no_such_link()
        moment = now if time is None else checked_event_time(time, now)
        return Event(
            campaign,
            contact,
            group,
            slot,
            signal,
            verdict,
            moment,
            privacy_signal,
            facts.created,
        )

    async def _unfamiliar_event(self, item: Item) -> Event:
        """Read the campaign of an item anew, then do as `_event`."""
        await self._catalog.look_up(campaign_of(item.token))
        event = self._event(item, self._now())
        if event is None:
            raise _no_such_link()
        return event


_ITEM_REASONS = frozenset(
    (
        Reason.TOKEN_INVALID,
        Reason.CAMPAIGN_NOT_FOUND,
        Reason.LINK_NOT_FOUND,
        Reason.EVENT_TIME_IN_FUTURE,
        Reason.EVENT_TIME_TOO_OLD,
    )
)


def _no_such_link() -> HushpostError:
    return HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link of that number")
