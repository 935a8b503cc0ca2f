"""The recorder: gathers events and commits them together, one lane per tenant.

Whatever arrives while a tenant's commit is under way, single calls and batches
preference_groups, forms its next commit. Callers are answered after it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from prometheus_client import Histogram

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.counters import SlotKey
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import CONTACT, CREATED, Event, Events, joined, to_datetime
from hushpost_service.domain.modes import ModeRule, PreferenceGroup
from hushpost_service.storage import recording
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.receipts import Method
from hushpost_service.tokens.codec import NO_CONTACT
from hushpost_service.tracking.mode_decisions import decided, mode_of
from hushpost_service.tracking.tally import ColumnarTally, ScalarTally, Tally

__all__ = ["Recorder"]

_EVENTS_PER_COMMIT = 5_000
"""More wait for the next one: a commit of this size takes well under a second."""

_SECOND_COMMIT_EVENTS = 500
"""So many events waiting are worth a second commit at a time: it adds up and
encodes while PostgreSQL works on the first. Fewer wait and share the next."""

_COMMITS_AT_A_TIME = 2

_GATHER_EVENTS = 200
_GATHER_SECONDS = 0.001
_COMMIT_SECONDS = 0.006
"""Single calls are waited for until they are many: a commit costs the same round trips
for one event as for a hundred. From the beginning of the commit before, so that after a
slow one, when many wait already, they do not wait for long."""

_MADE_ROWS = 50_000
"""Rows of slot bits that are remembered to be there, for about 10 MB."""

_COMMIT_EVENTS = Histogram(
    "hushpost_commit_events",
    "Events per commit of the recorder.",
    buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384),
)


@dataclass(slots=True, eq=False)
class _Part:
    """The events of one request that belong to one tenant."""

    method: Method
    request: UUID | None
    events: Events | list[Event]
    committed: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True, eq=False)
class _Lane:
    """A tenant's parts that wait for a commit, and how many commits are under way."""

    waiting: deque[_Part] = field(default_factory=deque)
    waiting_events: int = 0
    commits: int = 0

    def put(self, part: _Part) -> None:
        """Let a part wait."""
        self.waiting.append(part)
        self.waiting_events += len(part.events)

    def wants_commit(self) -> bool:
        """Tell whether another commit should begin."""
        if self.commits == 0:
            return bool(self.waiting)
        return self.commits < _COMMITS_AT_A_TIME and self.waiting_events >= _SECOND_COMMIT_EVENTS

    def take(self) -> list[_Part]:
        """Remove and return the parts of the next commit."""
        parts: list[_Part] = []
        events = 0
        while self.waiting and (
            not parts or events + len(self.waiting[0].events) <= _EVENTS_PER_COMMIT
        ):
            parts.append(self.waiting.popleft())
            events += len(parts[-1].events)
        self.waiting_events -= events
        return parts


class Recorder:
    """Commits events exactly once, in the mode that holds at their commit."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        clock: Callable[[], datetime],
        *,
        max_queued_events: int,
        connections: int,
    ) -> None:
        """Take at most `max_queued_events` at a time, and use at most `connections`."""
        self._database = database
        self._campaigns = campaigns
        self._clock = clock
        self._room = max_queued_events
        self._lanes: dict[int, _Lane] = {}
        self._made: BoundedCache[SlotKey, None] = BoundedCache(_MADE_ROWS)
        self._drains: set[asyncio.Task[None]] = set()
        self._connections = asyncio.Semaphore(connections)
        self._closed = False

    async def record(
        self,
        method: Method,
        request: UUID | None,
        events: Mapping[int, Events | list[Event]],
    ) -> None:
        """Return once the events, given by tenant, are durable.

        Those of a request that was carried out before are not recorded again.
        Each tenant's are a transaction, with a receipt of its own. Raises
        OVERLOADED when too many events are waiting, SHUTTING_DOWN after `close`,
        DATABASE_UNAVAILABLE; in the first two cases nothing was taken.
        """
        if self._closed:
            raise HushpostError(Reason.SHUTTING_DOWN, "the authority is shutting down")
        count = sum(len(part) for part in events.values())
        if count > self._room:
            raise HushpostError(Reason.OVERLOADED, "too many events are waiting for a commit")
        self._room -= count
        commits = [
            self._enqueue(tenant, _Part(method, request, part)) for tenant, part in events.items()
        ]
        for committed in commits:
            # A caller that goes away cancels its wait; what it sent is committed.
            await committed

    def _enqueue(self, tenant: int, part: _Part) -> asyncio.Future[None]:
        lane = self._lanes.get(tenant)
        if lane is None:
            lane = self._lanes[tenant] = _Lane()
        lane.put(part)
        if lane.wants_commit():
            lane.commits += 1
            drain = asyncio.create_task(self._drain(tenant, lane))
            self._drains.add(drain)
            drain.add_done_callback(self._drains.discard)
        return part.committed

    async def close(self) -> None:
        """Take no more events, and return once those taken are committed."""
        self._closed = True
        while self._drains:
            await asyncio.wait(self._drains)

    async def _drain(self, tenant: int, lane: _Lane) -> None:
        """Commit until nothing waits; with the last commit the lane goes."""
        now = asyncio.get_running_loop().time
        began = None
        while lane.waiting:
            if began is not None and lane.waiting_events < _GATHER_EVENTS:
                await asyncio.sleep(max(_GATHER_SECONDS, began + _COMMIT_SECONDS - now()))
            began = now()
            async with self._connections:
                parts = lane.take()
                if parts:
                    await self._settle(tenant, parts)
            self._room += sum(len(part.events) for part in parts)
        lane.commits -= 1
        if lane.commits == 0:
            del self._lanes[tenant]

    async def _settle(self, tenant: int, parts: list[_Part]) -> None:
        """Commit parts and answer their callers."""
        try:
            await self._commit(tenant, parts)
        except HushpostError as error:
            if error.reason is Reason.INTERNAL and len(parts) > 1:
                # One of them is at fault: the others shall not suffer for it.
                for part in parts:
                    await self._settle(tenant, [part])
                return
            for part in parts:
                _fail(part, error)
        except Exception as error:  # noqa: BLE001 - callers must be answered
            for part in parts:
                _fail(part, error)
        else:
            for part in parts:
                if not part.committed.done():
                    part.committed.set_result(None)

    async def _commit(self, tenant: int, parts: list[_Part]) -> None:
        once: dict[tuple[Method, UUID], _Part] = {}
        for part in parts:
            if part.request is not None:
                once[part.method, part.request] = part
        contacts, oldest = _asked_about(parts)
        made: list[SlotKey] = []

        async def work(connection: Connection) -> int:
            received = await recording.receive(
                connection, tenant, list(once), contacts, oldest, self._clock()
            )
            filed = list(once.values())
            fresh = [part for part in parts if part.request is None]
            fresh += [filed[position] for position in received.requests]
            rule = await self._campaigns.mode_rule(connection, tenant, received.policy_version)
            if not fresh:
                return 0
            tally = _tallied(rule, fresh, received.preference_groups)
            made.extend(await self._write(connection, tenant, tally))
            return sum(len(part.events) for part in fresh)

        count = await self._database.transact("record", work, recording.begin_recording(tenant))
        _COMMIT_EVENTS.observe(count)
        for key in made:
            self._made[key] = None

    async def _write(self, connection: Connection, tenant: int, tally: Tally) -> list[SlotKey]:
        """Write what events add up to; return the rows of slots that were not known to be there."""
        keys = tally.identified_keys()
        new = [key for key in keys if key not in self._made]
        if new:
            await recording.make_slots(connection, tenant, new)
        seen = await recording.seen_slots(connection, tenant, keys) if keys else {}
        rows, first = tally.identified(seen)
        if tally.counts:
            await recording.write(connection, tenant, tally.slots, tally.counts, first, rows)
        return new


def _asked_about(parts: Sequence[_Part]) -> tuple[list[int], datetime]:
    """Return the contacts of parts, and when the oldest of their campaigns was created."""
    contacts = {NO_CONTACT}
    created = []
    for part in parts:
        if isinstance(part.events, list):
            contacts.update([event.contact for event in part.events])
            created.append(min(event.created for event in part.events))
        else:
            contacts.update(part.events[:, CONTACT].tolist())
            created.append(int(part.events[:, CREATED].min()))
    contacts.remove(NO_CONTACT)
    return list(contacts), to_datetime(min(created))


def _tallied(
    rule: ModeRule, parts: Sequence[_Part], preference_groups: Sequence[PreferenceGroup]
) -> Tally:
    """Decide the modes of parts' events, and add them up."""
    singles: list[Event] = []
    for part in parts:
        if not isinstance(part.events, list):
            events = joined(part.events for part in parts)
            return ColumnarTally(events, decided(rule, events, preference_groups))
        singles += part.events
    known = {
        contact: preference for contacts, preference in preference_groups for contact in contacts
    }
    return ScalarTally((event, mode_of(rule, event, known.get(event.contact))) for event in singles)


def _fail(part: _Part, error: Exception) -> None:
    if not part.committed.done():
        part.committed.set_exception(error)
        # A caller that went away never looks at it.
        part.committed.exception()
