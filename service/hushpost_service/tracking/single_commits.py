"""Commits the events of single calls, with two round trips to the database.

A commit that contains a batch takes five, and holds a transaction open between them. Here, everything
that the events depend on is read first, without a lock, and the transaction that records them checks
it again. If it has changed, the events are committed like a batch.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.counters import CounterKey, SlotKey
from hushpost_service.domain.events import Event
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.single_events import read_single_inputs, record_single_events
from hushpost_service.tracking.commit_queue import Request
from hushpost_service.tracking.mode_decisions import mode_of
from hushpost_service.tracking.tally import ScalarTally

__all__ = ["SingleCommits"]


class SingleCommits:
    """Commits requests that have one event each, if nothing is in the way."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        clock: Callable[[], datetime],
        existing_rows: BoundedCache[SlotKey, None],
    ) -> None:
        """`existing_rows` has the rows of slot bits that are known to exist."""
        self._database = database
        self._campaigns = campaigns
        self._clock = clock
        self._existing_rows = existing_rows

    async def commit(
        self,
        tenant: int,
        requests: Sequence[Request],
        request_ids: Sequence[tuple[Method, UUID]],
        contacts: Sequence[int],
        oldest_campaign: datetime,
    ) -> Mapping[CounterKey, int] | None:
        """Commit events; return how many were counted, by counter.

        Returns None, and writes nothing, if the events must be committed in another way: some of
        them are a batch or repeated, consent or the policy is changing, opens set the dates of last
        opens, or the database is distributed.

        Args:
            tenant: The tenant.
            requests: The requests of the commit.
            request_ids: The methods and distinct request ids of the requests that have one.
            contacts: The contacts of the events.
            oldest_campaign: Creation time of the oldest campaign of the events.
        """
        events = _single_events(requests)
        if (
            events is None
            # It would keep parts of the statement, contacts among them, in files.
            or self._database.kind is DatabaseKind.DISTRIBUTED
            or len(request_ids) < sum(request.request_id is not None for request in requests)
        ):
            return None
        async with self._database.connection("record") as connection:
            inputs = await read_single_inputs(
                connection, tenant, request_ids, contacts, oldest_campaign
            )
            if inputs is None:
                return None
            rule = await self._campaigns.mode_rule(connection, tenant, inputs.policy_start)
            if rule.policy.record_last_opens and any(event.signal == 0 for event in events):
                return None
            preferences = {
                contact: group.preference
                for group in inputs.preference_groups
                for contact in group.contacts
            }
            tally = ScalarTally(
                (event, mode_of(rule, event, preferences.get(event.contact))) for event in events
            )
            new = [key for key in tally.identified_keys() if key not in self._existing_rows]
            is_recorded = await record_single_events(
                connection, inputs, tally.events, self._clock(), inserts_bitmaps=bool(new)
            )
        if not is_recorded:
            return None
        for key in new:
            self._existing_rows[key] = None
        return tally.counts


def _single_events(requests: Sequence[Request]) -> list[Event] | None:
    """Return the events of requests, None if one of them is a batch."""
    events: list[Event] = []
    for request in requests:
        if not isinstance(request.events, list):
            return None
        events += request.events
    return events
