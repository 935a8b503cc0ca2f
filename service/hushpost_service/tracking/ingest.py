"""Turns reported opens and clicks into events: decrypts tokens, validates, and records."""

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from hushpost_service.campaigns.cache import (
    CachedCampaign,
    CampaignCache,
    campaign_not_found,
)
from hushpost_service.domain.errors import HushpostError, Reason, tenant_not_allowed
from hushpost_service.domain.events import CAMPAIGN, Event, Numbers
from hushpost_service.domain.validation import checked_event_time, event_times
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import (
    OpenedTokens,
    TokenCodec,
    TrackingToken,
    campaign_of,
    tenant_of,
)
from hushpost_service.tracking.recorder import Recorder
from hushpost_service.tracking.rejections import Rejection, first_rejections, packed_rejections

__all__ = ["Batch", "Ingest", "Item", "Tenants"]

_NO_CAMPAIGN = -1
"""The number of links of a campaign that does not exist: no signal is valid for it."""

Tenants = frozenset[int] | None
"""The tenants that the caller may record for; None for all."""

_FIRST_TIME, _LAST_TIME = -(2**63), 2**63 - 1


class Item(NamedTuple):
    """An open (signal 0) or a click (signal n for link n), as an edge reports it.

    `time` is in microseconds since 1970; None means now.
    """

    token: str
    signal: int
    time: int | None
    verdict: int
    privacy_signal: bool
    repeated: bool


class Batch(NamedTuple):
    """Items as columns of equal length, one per field of `Item`."""

    tokens: list[str]
    signals: list[int]
    times: list[int | None]
    verdicts: list[int]
    privacy_signals: list[bool]
    repeated: list[bool]

    def content(self) -> int:
        """Return a hash of all items."""
        return hash(tuple(tuple(column) for column in self))

    def item(self, index: int) -> Item:
        """Return one item."""
        return Item(
            self.tokens[index],
            self.signals[index],
            self.times[index],
            self.verdicts[index],
            self.privacy_signals[index],
            self.repeated[index],
        )


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

    async def record_open(self, item: Item, tenants: Tenants, request: UUID | None) -> None:
        """Record an open of one of the tenants; return once it is durable.

        Raises TOKEN_INVALID, TOKEN_KEY_UNKNOWN, TENANT_NOT_ALLOWED, CAMPAIGN_NOT_FOUND,
        EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD, REQUEST_ID_REUSED.
        """
        event, campaign = await self._validated(item, tenants)
        await self._recorder.record(
            Method.RECORD_OPEN, request, hash(item), {campaign.tenant: [event]}
        )

    async def record_click(self, item: Item, tenants: Tenants, request: UUID | None) -> str:
        """Record a click of one of the tenants; return the link's URL once it is durable.

        Raises what `record_open` does, and LINK_NOT_FOUND.
        """
        if item.signal == 0:
            # Signal 0 means an open, not a click.
            raise _link_not_found()
        event, campaign = await self._validated(item, tenants)
        await self._recorder.record(
            Method.RECORD_CLICK, request, hash(item), {campaign.tenant: [event]}
        )
        return campaign.urls[event.signal - 1]

    async def record_batch(
        self, batch: Batch, tenants: Tenants, request: UUID | None
    ) -> list[Rejection]:
        """Record the valid items of a batch; return the others once all is durable.

        Items of other tenants than the given ones are invalid. The checks run on whole
        columns. An invalid item affects no other item. A repeated request gets the
        rejections of the first one.
        """
        now = self._now()
        opened = await self._opened(batch.tokens, tenants)
        reported = _reported(batch, now)
        numbers, positions = np.unique(opened.contents[:, 0], return_inverse=True)
        highest_links = np.zeros(len(numbers), np.int64)
        np.maximum.at(highest_links, positions, reported[0])
        campaigns = await self._campaigns.get_many(
            # The campaign of an invalid token is 0.
            {n: link for n, link in zip(numbers.tolist(), highest_links.tolist(), strict=True) if n}
        )
        found = [campaigns.get(number) for number in numbers.tolist()]
        links = np.array([_NO_CAMPAIGN if one is None else len(one.urls) for one in found])
        created = np.array([0 if one is None else one.created for one in found])
        signal, _, time, _, _ = reported
        earliest, latest = event_times(now)
        is_valid = opened.is_valid & (signal >= 0) & (signal <= links[positions])
        is_valid &= (time >= earliest) & (time <= latest)
        events = np.column_stack([opened.contents, reported.T, created[positions]])[is_valid]
        tenant = tenant_of(events[:, CAMPAIGN])
        rejections = [
            Rejection(
                index, self._item_error(batch.item(index), tenants, opened, index, campaigns, now)
            )
            for index in np.flatnonzero(~is_valid).tolist()
        ]
        earlier = await self._recorder.record(
            Method.RECORD_EVENTS,
            request,
            0 if request is None else batch.content(),
            {number: events[tenant == number] for number in set(tenant.tolist())},
            packed_rejections(rejections) if rejections else b"",
        )
        if not earlier:
            return rejections
        return first_rejections(rejections, [_tenant_of(token) for token in batch.tokens], earlier)

    async def resolve(self, token: str, link: int, tenants: Tenants) -> str:
        """Return a link's URL, using only the unencrypted part of the token."""
        _check_tenant_of_token(token, tenants)
        return await self._campaigns.url(campaign_of(token), link)

    async def _opened(self, tokens: list[str], tenants: Tenants) -> OpenedTokens:
        opened = self._codec.open_batch(tokens, self._known(tenants))
        unknown = opened.unknown_tenants
        if tenants is not None:
            unknown = unknown & tenants
        if unknown and await self._campaigns.find_tenants(unknown):
            return self._codec.open_batch(tokens, self._known(tenants))
        return opened

    def _known(self, tenants: Tenants) -> Container[int]:
        known = self._campaigns.tenants
        return known if tenants is None else known & tenants

    async def _validated(self, item: Item, tenants: Tenants) -> tuple[Event, CachedCampaign]:
        """Return an item's event and campaign.

        Raises TOKEN_INVALID, TOKEN_KEY_UNKNOWN, TENANT_NOT_ALLOWED, CAMPAIGN_NOT_FOUND,
        LINK_NOT_FOUND, EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD.
        """
        _check_tenant_of_token(item.token, tenants)
        token = self._codec.open(item.token)
        campaign = self._campaigns.cached(token.campaign)
        if campaign is None or item.signal > len(campaign.urls):
            # New campaigns and links may have been created by another process.
            campaign = await self._campaigns.read(token.campaign)
        return _event(item, token, campaign, self._now()), campaign

    def _item_error(
        self,
        item: Item,
        tenants: Tenants,
        opened: OpenedTokens,
        index: int,
        campaigns: Mapping[int, CachedCampaign],
        now: int,
    ) -> HushpostError:
        """Return why an item of a batch is invalid, like `_validated` for a single one."""
        try:
            _check_tenant_of_token(item.token, tenants)
            if not opened.is_valid[index]:
                return self._codec.error(item.token)
            token = TrackingToken(*opened.contents[index].tolist())
            _event(item, token, campaigns.get(token.campaign), now)
        except HushpostError as error:
            return error
        raise AssertionError

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)


def _tenant_of(token: str) -> int | None:
    """Return the tenant that a token names, None if it is malformed."""
    try:
        return tenant_of(campaign_of(token))
    except HushpostError:
        return None


def _reported(batch: Batch, now: int) -> Numbers:
    """Return the reported fields of `Event` of a batch, each as a row."""
    times = [now if time is None else time for time in batch.times]
    flags = (batch.privacy_signals, batch.repeated)
    try:
        return np.array([batch.signals, batch.verdicts, times, *flags], np.int64)
    except OverflowError:
        # A time does not fit into 64 bits. The nearest that does is just as invalid.
        times = [min(max(time, _FIRST_TIME), _LAST_TIME) for time in times]
        return np.array([batch.signals, batch.verdicts, times, *flags], np.int64)


def _check_tenant_of_token(token: str, tenants: Tenants) -> None:
    """Raise TENANT_NOT_ALLOWED if a tracking token is of none of the tenants.

    Only the unencrypted part of the token is read, so that the answer does not tell whether
    another tenant's token is genuine.
    """
    if tenants is not None and tenant_of(campaign_of(token)) not in tenants:
        raise tenant_not_allowed()


def _event(item: Item, token: TrackingToken, campaign: CachedCampaign | None, now: int) -> Event:
    """Return an item's event. Raises what `Ingest._validated` does for valid tokens."""
    if campaign is None:
        raise campaign_not_found()
    if not 0 <= item.signal <= len(campaign.urls):
        raise _link_not_found()
    return Event(
        *token,
        item.signal,
        item.verdict,
        now if item.time is None else checked_event_time(item.time, now),
        item.privacy_signal,
        item.repeated,
        campaign.created,
    )


def _link_not_found() -> HushpostError:
    return HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link with that number")
