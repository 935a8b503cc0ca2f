"""Unexpected database errors: what callers and logs see of them, and which calls they fail."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from hushpost.v1 import preference_pb2, privacy_pb2
from hushpost_client import Count, Event, InternalError, Verdict
from tests.conftest import Clients, RunningAuthority, TenantKeys
from tests.inspection import Connection
from tests.mailing import send
from tests.wire import Wire

CANARY = "canary-7d1f@example.com"


@asynccontextmanager
async def _constraint(database: Connection, table: str, rule: str) -> AsyncIterator[None]:
    """Add a check constraint, so that the authority gets an error that it does not expect."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    await database.execute(f"alter table {table} add constraint {name} check ({rule}) not valid")
    try:
        yield
    finally:
        await database.execute(f"alter table {table} drop constraint {name}")


@pytest.mark.embedded
async def test_an_internal_error_does_not_reveal_a_contact(
    authority: RunningAuthority, tenant: TenantKeys, wire: Wire, database: Connection
) -> None:
    """The text of a PostgreSQL error reaches neither the caller nor any log."""
    async with _constraint(database, "contacts", f"contact_id <> '{CANARY}'"):
        refusal = await wire.refusal(
            "SetPreference",
            preference_pb2.SetPreferenceRequest(
                contact_id=CANARY, do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
            ),
            tenant.sender_key,
        )
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refusal.retry_seconds is None
    postgres_log = (authority.process.data_dir / "postgres" / "log").read_text()
    log = authority.process.log_file.read_text()
    assert "CheckViolationError" in log, "the log has the type of the error"
    for word in ("canary", "violates", "Failing row"):
        assert word not in f"{refusal} {log}"
    assert CANARY not in f"{refusal} {log} {postgres_log}"


async def test_an_event_that_cannot_be_recorded_fails_only_its_own_call(
    exact_clients: Clients, database: Connection
) -> None:
    """If one of the calls that share a commit cannot be recorded, the others still succeed."""
    mailing = await send(exact_clients, [f"reader-{number}" for number in range(12)])
    tracking = exact_clients.edge.tracking
    campaign = await exact_clients.sender.campaigns.get_campaign(mailing.campaign_id)
    valid = [
        tracking.record_open(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()
    ]
    failing = [
        Event(token, link_number=2, verdict=Verdict.HUMAN) for token in mailing.tokens.values()
    ]
    rule = f"campaign <> {campaign.campaign_number} or signal <> 2"
    async with _constraint(database, "events", rule):
        results = await asyncio.gather(
            *valid[:6], tracking.record_events(failing), *valid[6:], return_exceptions=True
        )
    assert [type(result) for result in results if result is not None] == [InternalError]
    stats = await mailing.stats()
    assert stats.opens.human.identified == Count(12, 12)
    assert stats.clicks.human.identified == Count(0, 0)
