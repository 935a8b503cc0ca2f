"""Turns reported opens and clicks into events: decrypts tokens, validates, and records."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from hushpost_service.campaigns.cache import CachedCampaign, CampaignCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import CAMPAIGN, Event, Events, joined
from hushpost_service.domain.validation import checked_event_time, event_times
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import TokenCodec, campaign_of, tenant_of
from hushpost_service.tracking.recorder import Recorder

__all__ = ["Batch", "Ingest", "Item", "Rejection"]

_NO_EVENTS: Events = np.empty((0, len(Event._fields)), np.int64)
_NOT_CACHED = -1
"""The number of links of a campaign that is not cached: no signal is valid for it."""

_ITEM_REASONS = frozenset(
    (
        Reason.TOKEN_INVALID,
        Reason.CAMPAIGN_NOT_FOUND,
        Reason.LINK_NOT_FOUND,
        Reason.EVENT_TIME_IN_FUTURE,
        Reason.EVENT_TIME_TOO_OLD,
    )
)
"""Errors that reject one item of a batch; any other error fails the batch."""


class Item(NamedTuple):
    """An open (signal 0) or a click (signal n for link n), as an edge reports it.

    `time` is in microseconds since 1970; None means now.
    """

    token: str
    signal: int
    time: int | None
    verdict: int
    privacy_signal: bool


class Batch(NamedTuple):
    """Items as columns of equal length, one per field of `Item`."""

    tokens: list[str]
    signals: list[int]
    times: list[int | None]
    verdicts: list[int]
    privacy_signals: list[bool]

    def item(self, index: int) -> Item:
        """Return one item."""
        return Item(
            self.tokens[index],
            self.signals[index],
            self.times[index],
            self.verdicts[index],
            self.privacy_signals[index],
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected item of a batch."""

    index: int
    error: HushpostError


class Ingest:
    """Records opens and clicks, and resolves links."""

    def __init__(
        self,
        codec: TokenCodec,
        campaigns: CampaignCache,
        recorder: Recorder,
        clock: Callable[[], datetime],
    ) -> None:
        self._codec = codec
        self._campaigns = campaigns
        self._recorder = recorder
        self._clock = clock

    async def record_open(self, item: Item, request: UUID | None) -> None:
        """Record an open; return once it is durable.

        Raises TOKEN_INVALID, CAMPAIGN_NOT_FOUND, EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD.
        """
        event, campaign = await self._validated(item)
        await self._recorder.record(Method.RECORD_OPEN, request, {campaign.tenant: [event]})

    async def record_click(self, item: Item, request: UUID | None) -> str:
        """Record a click; return the link's URL once the click is durable.

        Raises what `record_open` does, and LINK_NOT_FOUND.
        """
        if item.signal == 0:
            # Signal 0 means an open, not a click.
            raise _link_not_found()
        event, campaign = await self._validated(item)
        await self._recorder.record(Method.RECORD_CLICK, request, {campaign.tenant: [event]})
        return campaign.urls[event.signal - 1]

    async def record_batch(self, batch: Batch, request: UUID | None) -> list[Rejection]:
        """Record the valid items of a batch; return the others once all is durable."""
        valid, remaining = self._valid_events(batch, self._now())
        singles: list[Event] = []
        rejections = []
        for index in remaining:
            try:
                event, _ = await self._validated(batch.item(index))
                singles.append(event)
            except HushpostError as error:
                if error.reason not in _ITEM_REASONS:
                    raise
                rejections.append(Rejection(index, error))
        events = joined([valid, singles])
        tenants = tenant_of(events[:, CAMPAIGN])
        await self._recorder.record(
            Method.RECORD_EVENTS,
            request,
            {tenant: events[tenants == tenant] for tenant in set(tenants.tolist())},
        )
        return rejections

    async def resolve(self, token: str, link: int) -> str:
        """Return a link's URL, using only the unencrypted part of the token."""
        return await self._campaigns.url(campaign_of(token), link)

    def _valid_events(self, batch: Batch, now: int) -> tuple[Events, list[int]]:
        """Return the events of items that pass all checks, and the indexes of the others.

        The checks run on whole columns. An item that fails is not rejected yet: the caller
        passes it to `_validated`, which reads uncached campaigns and names the error.
        """
        token_fields, has_valid_token = self._codec.open_batch(batch.tokens)
        times = [now if time is None else time for time in batch.times]
        try:
            # In the order of the fields of Event.
            reported = np.array(
                [batch.signals, batch.verdicts, times, batch.privacy_signals], np.int64
            )
        except OverflowError:
            # A time does not fit into 64 bits: validate every item separately.
            return _NO_EVENTS, list(range(len(times)))
        signal, _, time, _ = reported
        numbers, positions = np.unique(token_fields[:, 0], return_inverse=True)
        cached = [self._campaigns.cached(number) for number in numbers.tolist()]
        links = np.array([_NOT_CACHED if one is None else len(one.urls) for one in cached])
        created = np.array([0 if one is None else one.created for one in cached])
        earliest, latest = event_times(now)
        is_valid = has_valid_token & (signal >= 0) & (signal <= links[positions])
        is_valid &= (time >= earliest) & (time <= latest)
        events = np.column_stack([token_fields, reported.T, created[positions]])[is_valid]
        return events, np.flatnonzero(~is_valid).tolist()

    async def _validated(self, item: Item) -> tuple[Event, CachedCampaign]:
        """Return an item's event and campaign.

        Raises TOKEN_INVALID, CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, EVENT_TIME_IN_FUTURE,
        EVENT_TIME_TOO_OLD.
        """
        token, signal, time, verdict, privacy_signal = item
        number, contact, group, slot = self._codec.open(token)
        campaign = self._campaigns.cached(number)
        if campaign is None or signal > len(campaign.urls):
            # New campaigns and links may have been created by another process.
            campaign = await self._campaigns.read(number)
        if not 0 <= signal <= len(campaign.urls):
            raise _link_not_found()
        now = self._now()
        time = now if time is None else checked_event_time(time, now)
        event = Event(
            number, contact, group, slot, signal, verdict, time, privacy_signal, campaign.created
        )
        return event, campaign

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)


def _link_not_found() -> HushpostError:
    return HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link with that number")
