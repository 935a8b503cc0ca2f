"""Records events with group commit: one queue and up to two transactions per tenant.

Events that arrive while a commit is in progress, from single calls and batches alike,
form the next commit. Each caller gets its response once its events are committed.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hushpost_runtime.call_id import begin_call
from hushpost_runtime.load_steps import rounded_load
from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.counters import CounterKey, SlotKey
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import CONTACT, CREATED, Event, Events, joined, to_datetime
from hushpost_service.domain.request_contents import RecentRequests
from hushpost_service.storage import last_opens as storage
from hushpost_service.storage import recording, request_ids
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenant_locks import begin_recording
from hushpost_service.tokens.codec import NO_CONTACT
from hushpost_service.tracking.commit_metrics import observe_commit, watch_queue
from hushpost_service.tracking.commit_queue import CommitQueue, Request
from hushpost_service.tracking.event_modes_metric import EventModes
from hushpost_service.tracking.last_opens import last_opens
from hushpost_service.tracking.mode_decisions import modes_of
from hushpost_service.tracking.single_commits import SingleCommits
from hushpost_service.tracking.tally import ColumnarTally

if TYPE_CHECKING:
    from hushpost_runtime.traces import Traces

__all__ = ["Recorder"]

_ENOUGH_EVENTS = 24
_MIN_PAUSE_SECONDS = 0.001
_COMMIT_INTERVAL_SECONDS = 0.006
"""Wait up to 6 ms for `_ENOUGH_EVENTS`, so that single calls share a commit: its round trips cost the
same for one event as for a hundred. The interval is measured from the start of the previous commit, so
that events do not wait again after a slow one."""

_SMALL_COMMIT_EVENTS = 8
_SHORT_INTERVAL_SECONDS = 0.004
"""After a commit of fewer events, wait up to 4 ms if no other tenant has events: there is CPU time to
spare, and calls return sooner (`make bench ONLY=click_p99_ms_at_half_peak`). With 3 ms, a call would take
7 % more CPU time, and the slowest calls would take a quarter longer. At the peak, a short interval would
cost a tenth of the throughput (`ONLY=record_click_vs_echo`)."""

_CACHED_ROWS = 50_000
"""Rows of slot bits that are known to exist; about 10 MB."""

_RECENT_REQUESTS = 100_000
"""Request ids whose content is remembered; about 12 MB."""


class Recorder:
    """Commits events exactly once, each in the mode that is in force at the commit."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        clock: Callable[[], datetime],
        event_modes: EventModes,
        *,
        max_queued_events: int,
        connections: int,
        second_commit_requests: int,
        traces: "Traces | None" = None,
    ) -> None:
        """Prepare a recorder, for the running event loop.

        Args:
            database: Where events are stored.
            campaigns: Source of the policies.
            clock: Returns the current time.
            event_modes: Counts the events that have been committed.
            max_queued_events: Events held in memory; more are rejected.
            connections: Database connections used at once.
            second_commit_requests: Requests of a tenant that wait, for which a second commit starts.
            traces: Traces of commits; None if they are off.
        """
        self._database = database
        self._campaigns = campaigns
        self._clock = clock
        self._event_modes = event_modes
        self._free_events = max_queued_events
        watch_queue(lambda: rounded_load(max_queued_events - self._free_events, max_queued_events))
        self._queues: dict[int, CommitQueue] = {}
        self._existing_rows: BoundedCache[SlotKey, None] = BoundedCache(_CACHED_ROWS)
        self._single_commits = SingleCommits(database, campaigns, clock, self._existing_rows)
        self._committers: set[asyncio.Task[None]] = set()
        self._recent_requests = RecentRequests(_RECENT_REQUESTS)
        self._connections = asyncio.Semaphore(connections)
        self._second_commit_requests = second_commit_requests
        self._traces = traces
        # Asking for the running loop costs a system call in Python 3.11.
        self._loop = asyncio.get_running_loop()
        self._closed = False

    async def record(
        self,
        method: Method,
        request_id: UUID | None,
        content: int,
        events: Mapping[int, Events | list[Event]],
        result: bytes = b"",
    ) -> dict[int, bytes]:
        """Record events, given by tenant; return once they are durable.

        The events of each tenant are one transaction that claims the request id. If it
        is claimed already, they are not recorded again, and the result that the first
        request stored is returned by tenant.

        Args:
            method: The RPC.
            request_id: The idempotency key.
            content: A hash of everything that the request says. It is kept in memory only:
                a stored digest could be compared with every token, and would tell whose
                token an anonymous event had.
            events: The valid events by tenant.
            result: Stored for repetitions of the request; empty: nothing is stored.

        Raises OVERLOADED if too many events are queued, SHUTTING_DOWN after `close`,
        REQUEST_ID_REUSED, and DATABASE_UNAVAILABLE. Except for the last, nothing was
        recorded.
        """
        if self._closed:
            raise HushpostError(Reason.SHUTTING_DOWN, "the authority is shutting down")
        count = sum(len(of_tenant) for of_tenant in events.values())
        if count > self._free_events:
            raise HushpostError(Reason.OVERLOADED, "too many events are queued; retry later")
        if request_id is not None:
            for tenant in events:
                self._recent_requests.use((tenant, method, request_id), content)
        self._free_events -= count
        trace = None if self._traces is None else self._traces.point()
        requests = {
            tenant: Request(
                method, request_id, of_tenant, result, self._loop.create_future(), trace
            )
            for tenant, of_tenant in events.items()
        }
        for tenant, request in requests.items():
            self._enqueue(tenant, request)
        for request in requests.values():
            # If the caller is cancelled here, its events are committed all the same.
            await request.committed
        return {
            tenant: request.earlier_result
            for tenant, request in requests.items()
            if request.earlier_result is not None
        }

    def _enqueue(self, tenant: int, request: Request) -> None:
        queue = self._queues.get(tenant)
        if queue is None:
            queue = self._queues[tenant] = CommitQueue(self._second_commit_requests)
        queue.put(request)
        if queue.needs_committer():
            queue.commits += 1
            committer = self._loop.create_task(self._commit_queue(tenant, queue))
            self._committers.add(committer)
            committer.add_done_callback(self._committers.discard)

    async def close(self) -> None:
        """Reject new events; return once all queued events are committed."""
        self._closed = True
        while self._committers:
            await asyncio.wait(self._committers)

    async def _commit_queue(self, tenant: int, queue: CommitQueue) -> None:
        """Commit until the queue is empty, or another committer suffices; the last removes the queue."""
        started, committed = 0.0, 0
        while queue.requests and not (committed and queue.has_spare_committer()):
            if committed and queue.events < _ENOUGH_EVENTS:
                await self._pause(started, committed)
            started = self._loop.time()
            async with self._connections:
                requests = queue.take()
                if requests:
                    await self._commit_and_notify(tenant, requests)
            committed = sum(len(request.events) for request in requests)
            self._free_events += committed
        queue.commits -= 1
        if queue.commits == 0:
            del self._queues[tenant]

    async def _pause(self, started: float, committed: int) -> None:
        """Wait for events that share the next commit.

        Args:
            started: When the previous commit started, by the clock of the loop.
            committed: How many events it had.
        """
        taken = self._loop.time() - started
        if committed < _SMALL_COMMIT_EVENTS and len(self._queues) == 1:
            await asyncio.sleep(max(0.0, _SHORT_INTERVAL_SECONDS - taken))
        else:
            await asyncio.sleep(max(_MIN_PAUSE_SECONDS, _COMMIT_INTERVAL_SECONDS - taken))

    async def _commit_and_notify(self, tenant: int, requests: list[Request]) -> None:
        begin_call()
        try:
            await self._commit(tenant, requests)
        except HushpostError as error:
            if error.reason is Reason.INTERNAL and len(requests) > 1:
                # Isolate the request that caused the failure.
                for request in requests:
                    await self._commit_and_notify(tenant, [request])
                return
            for request in requests:
                _fail(request, error)
        except Exception as error:  # noqa: BLE001 - every caller must get a result
            for request in requests:
                _fail(request, error)
        else:
            for request in requests:
                if not request.committed.done():
                    request.committed.set_result(None)

    async def _commit(self, tenant: int, requests: list[Request]) -> None:
        with_id: dict[tuple[Method, UUID], Request] = {}
        for request in requests:
            if request.request_id is not None:
                with_id[request.method, request.request_id] = request
        contacts, oldest_campaign = _contacts_and_oldest_campaign(requests)
        start = time.perf_counter()
        with self._traced(requests):
            events = sum(len(request.events) for request in requests)
            counts = await self._single_commits.commit(
                tenant, requests, list(with_id), contacts, oldest_campaign
            )
            if counts is None:
                events, counts = await self._commit_stepwise(
                    tenant, requests, with_id, contacts, oldest_campaign
                )
        observe_commit(events, time.perf_counter() - start)
        self._event_modes.add(counts)

    async def _commit_stepwise(
        self,
        tenant: int,
        requests: Sequence[Request],
        with_id: Mapping[tuple[Method, UUID], Request],
        contacts: Sequence[int],
        oldest_campaign: datetime,
    ) -> tuple[int, Mapping[CounterKey, int]]:
        """Commit requests of any kind; return how many events are new, and how many were counted."""
        created_rows: list[SlotKey] = []

        async def work(connection: Connection) -> tuple[int, Mapping[CounterKey, int]]:
            inputs = await recording.load_recording_inputs(
                connection,
                tenant,
                list(with_id),
                contacts,
                oldest_campaign,
                self._clock(),
                self._database.kind,
            )
            unique = list(with_id.values())
            new = [request for request in requests if request.request_id is None]
            new += [unique[position] for position in inputs.new_requests]
            await _exchange_results(connection, tenant, requests, new)
            rule = await self._campaigns.mode_rule(connection, tenant, inputs.policy_start)
            if not new:
                return 0, {}
            events = joined(request.events for request in new)
            tally = ColumnarTally(events, modes_of(rule, events, inputs.preference_groups))
            created_rows.extend(await self._write(connection, tenant, tally))
            if rule.policy.record_last_opens:
                dates = last_opens(rule.policy, events, inputs.preference_groups)
                if dates:
                    await storage.set_last_opens(connection, tenant, dates)
            return len(events), tally.counts

        begin = begin_recording(self._database.kind, tenant)
        result = await self._database.transact("record", work, begin, recording.COMMIT)
        for key in created_rows:
            self._existing_rows[key] = None
        return result

    def _traced(self, requests: Sequence[Request]) -> AbstractContextManager[Any]:
        if self._traces is None:
            return nullcontext()
        points = [request.trace for request in requests if request.trace is not None]
        return self._traces.shared("commit", points)

    async def _write(
        self, connection: Connection, tenant: int, tally: ColumnarTally
    ) -> list[SlotKey]:
        """Write a tally; return the keys of rows of slot bits that may have been created."""
        keys = tally.identified_keys()
        new = [key for key in keys if key not in self._existing_rows]
        if new:
            await recording.insert_slot_bits(connection, tenant, new)
        if not tally.counts:
            return new
        marked = await recording.lock_slot_bits(connection, tenant, keys) if keys else {}
        rows, first = tally.identified(marked)
        await recording.write(connection, tenant, tally.slots, tally.counts, first, rows)
        return new


async def _exchange_results(
    connection: Connection, tenant: int, requests: Sequence[Request], new: Sequence[Request]
) -> None:
    """Store the results of new requests, and read those of repeated batches. Both are rare."""
    for request in new:
        # Of an attempt that failed.
        request.earlier_result = None
        if request.result and request.request_id is not None:
            await request_ids.set_result(
                connection, tenant, request.method, request.request_id, None, request.result
            )
    if len(new) == len(requests):
        return
    executed = set(map(id, new))
    for request in requests:
        if id(request) not in executed and request.method is Method.RECORD_EVENTS:
            assert request.request_id is not None  # noqa: S101 - others are new
            _, stored = await request_ids.result(
                connection, tenant, request.method, request.request_id
            )
            request.earlier_result = stored


def _contacts_and_oldest_campaign(requests: Sequence[Request]) -> tuple[list[int], datetime]:
    """Return the contacts of requests, and the creation time of their oldest campaign."""
    contacts = {NO_CONTACT}
    created = []
    for request in requests:
        if isinstance(request.events, list):
            contacts.update([event.contact for event in request.events])
            created.append(min(event.created for event in request.events))
        else:
            contacts.update(request.events[:, CONTACT].tolist())
            created.append(int(request.events[:, CREATED].min()))
    contacts.remove(NO_CONTACT)
    return list(contacts), to_datetime(min(created))


def _fail(request: Request, error: Exception) -> None:
    if not request.committed.done():
        request.committed.set_exception(error)
        # Mark it as retrieved: a cancelled caller never looks at it.
        request.committed.exception()
