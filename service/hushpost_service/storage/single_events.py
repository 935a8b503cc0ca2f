"""Records the few events of single calls, in two round trips and without a transaction around them.

The first reads what the modes of the events depend on. The second takes the recording lock, checks
that nothing of it has changed, and writes (`record_single_events` of the schema).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

import asyncpg

from hushpost_service.domain.counters import SingleEvent
from hushpost_service.domain.modes import PreferenceGroup
from hushpost_service.domain.request_contents import stored_request_text
from hushpost_service.storage.array_text import array_text
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import CONFLICTS, checking_replication, count_retry
from hushpost_service.storage.preference_columns import to_preference
from hushpost_service.storage.request_ids import Method, periods
from hushpost_service.storage.sql import single_events as sql
from hushpost_service.storage.tenant_locks import RECORDING_LOCK

__all__ = ["SingleInputs", "read_single_inputs", "record_single_events"]

_NO_COLUMNS = [array_text([])] * 10
_REQUEST_ID_CLAIMED = "HU001"
"""The code of the error that the function raises if a request id has been claimed."""


@dataclass(frozen=True, slots=True)
class SingleInputs:
    """What recording the events of single calls depends on.

    Attributes:
        tenant: The tenant.
        methods: The methods of the requests that have a request id, as text.
        request_ids: The stored request ids, as text.
        policy_start: When the policy in force came into force.
        preference_groups: Contacts grouped by preference; erased ones are left out.
        contacts: The contacts of all groups, as text.
        versions: The version of each contact's row, as text.
    """

    tenant: int
    methods: str
    request_ids: str
    policy_start: datetime
    preference_groups: list[PreferenceGroup]
    contacts: str
    versions: str


async def read_single_inputs(
    connection: Connection,
    tenant: int,
    requests: Sequence[tuple[Method, UUID]],
    contacts: Sequence[int],
    oldest_campaign: datetime,
) -> SingleInputs | None:
    """Read what the modes of events depend on; None if one of the requests has been executed.

    The arguments are those of `recording.load_recording_inputs`.
    """
    methods = array_text([method.value for method, _ in requests])
    ids = array_text([stored_request_text(request) for _, request in requests])
    rows = await connection.fetch(
        sql.READ_SINGLE_INPUTS, tenant, methods, ids, array_text(contacts), oldest_campaign
    )
    is_repeated, policy_start, *_ = rows[0]
    if is_repeated:
        return None
    groups: list[PreferenceGroup] = []
    versions: list[int] = []
    for _, _, members, of_members, *columns in rows:
        if members is not None:
            groups.append(PreferenceGroup(members, to_preference(columns)))
            versions += of_members
    found = [contact for group in groups for contact in group.contacts]
    return SingleInputs(
        tenant, methods, ids, policy_start, groups, array_text(found), array_text(versions)
    )


async def record_single_events(
    connection: Connection,
    inputs: SingleInputs,
    events: Sequence[SingleEvent],
    now: datetime,
    *,
    inserts_bitmaps: bool,
) -> bool:
    """Claim request ids, mark slots, add to counters, insert identified events, and commit.

    Returns whether the events were recorded. If not, because the inputs have changed or another
    transaction is in the way, nothing is written.

    Args:
        connection: A connection without a transaction.
        inputs: What `events` depend on.
        events: The events, sorted.
        now: The current time.
        inserts_bitmaps: Whether bitmaps of identified slots may be missing. They are inserted in
            any case, but take longer if this is not known.
    """
    columns = _NO_COLUMNS
    if events:
        # The slot of an event is its first six fields.
        is_earliest = [True]
        is_earliest += [event[:6] != before[:6] for before, event in pairwise(events)]
        columns = [array_text(column) for column in (*zip(*events, strict=True), is_earliest)]
    try:
        with checking_replication(connection):
            is_recorded: bool = await connection.fetchval(
                sql.RECORD_SINGLE_EVENTS,
                inputs.tenant,
                RECORDING_LOCK,
                inputs.policy_start,
                inputs.contacts,
                inputs.versions,
                inputs.methods,
                inputs.request_ids,
                periods(now),
                inserts_bitmaps,
                *columns,
            )
    except CONFLICTS:
        count_retry("record")
        return False
    except asyncpg.PostgresError as error:
        if error.sqlstate != _REQUEST_ID_CLAIMED:
            raise
        return False
    return is_recorded
