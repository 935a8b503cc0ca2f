"""Takes events in: opens their tokens, checks them, hands them to the recorder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hushpost_service.catalog import Catalog
from hushpost_service.errors import HushpostError, Reason
from hushpost_service.identifiers import checked_event_time
from hushpost_service.recorder import Recorder
from hushpost_service.storage.receipts import Method
from hushpost_service.tally import Event
from hushpost_service.token import TokenSealer, campaign_of, tenant_of

__all__ = ["Intake", "Item", "Rejection"]


class Item(NamedTuple):
    """An open (signal 0) or a click (signal n), as an edge reports it.

    `time` is in microseconds since 1970; None: now.
    """

    token: str
    signal: int
    time: int | None
    verdict: int
    privacy_signal: bool


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

    async def record_batch(self, items: Sequence[Item], request: UUID | None) -> list[Rejection]:
        """Record the good items of a batch; return the bad ones once all is durable."""
        now = self._now()
        events: dict[int, list[Event]] = {}
        rejections = []
        opened = self._sealer.open_batch([item.token for item in items])
        for index, (item, token) in enumerate(zip(items, opened, strict=True)):
            try:
                event = self._opened_event(item, token, now)
                if event is None:
                    event = await self._unfamiliar_event(item)
            except HushpostError as error:
                if error.reason not in _ITEM_REASONS:
                    raise
                rejections.append(Rejection(index, error))
            else:
                events.setdefault(tenant_of(event.campaign), []).append(event)
        await self._recorder.record(Method.RECORD_EVENTS, request, events)
        return rejections

    async def resolve(self, token: str, link: int) -> str:
        """Return where a link leads, by the part of the token that is in clear."""
        return await self._catalog.url(campaign_of(token), link)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _event(self, item: Item, now: int) -> Event | None:
        """Open and check an item; None where its campaign or link is not remembered.

        Raises TOKEN_INVALID, LINK_NOT_FOUND, EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD.
        """
        return self._opened_event(item, self._sealer.open(item.token), now)

    def _opened_event(
        self, item: Item, token: tuple[int, int, int, int] | None, now: int
    ) -> Event | None:
        """Check an item, of whose token we have the parts, or None if it did not open."""
        if token is None:
            raise HushpostError(Reason.TOKEN_INVALID, "the token does not open")
        _, signal, time, verdict, privacy_signal = item
        campaign, contact, group, slot = token
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
            facts.create_time,
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
