"""Shipping a spool to an authority that does not always take it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from hushpost_client import (
    ErrorReason,
    Event,
    HushpostError,
    InvalidArgumentError,
    RecordedEvents,
    RejectedEvent,
    ResourceExhaustedError,
    Tracking,
    UnauthenticatedError,
    UnavailableError,
    Verdict,
)
from hushpost_edge import shipping
from hushpost_edge.record import SpooledEvent, pack
from hushpost_edge.shipping import Shipping
from hushpost_edge.spool import Spool
from hushpost_edge.token import parsed

from .waiting import until


class ScriptedTracking:
    """Fails by script, then takes what comes."""

    def __init__(self, *script: HushpostError) -> None:
        self.script = list(script)
        self.calls: list[tuple[str, list[Event]]] = []
        self.times: list[float] = []

    async def record_events(
        self, events: Iterable[Event], *, request_id: str, timeout: float
    ) -> RecordedEvents:
        """Note a batch, and fail or accept all but its first event."""
        assert timeout
        self.calls.append((request_id, list(events)))
        self.times.append(time.monotonic())
        if self.script:
            raise self.script.pop(0)
        rejected = RejectedEvent(index=0, reason=ErrorReason.TOKEN_INVALID, message="in words")
        return RecordedEvents(accepted_count=len(self.calls[-1][1]) - 1, rejected=(rejected,))


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    """A spool with ten events that are due."""
    spool = Spool(tmp_path / "1.sqlite", lambda: 1_000_000_000)
    blob = b"".join(
        pack(
            SpooledEvent(
                token=b"\1" + number.to_bytes(41),
                link=number,
                time=1_790_000_000_123_456,
                verdict=Verdict.PROXY,
                privacy_signal=True,
            )
        )
        for number in range(10)
    )
    Spool(tmp_path / "1.sqlite", lambda: 1).append(1, blob, ())
    yield spool
    spool.close()


async def ship(spool: Spool, tracking: ScriptedTracking, calls: int) -> None:
    """Ship until so many calls have been made and the last is settled."""
    task = asyncio.create_task(Shipping(spool, cast("Tracking", tracking)).forever())
    await until(lambda: len(tracking.calls) >= calls)
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_batch_is_sent_until_it_is_taken(spool: Spool, monkeypatch: Any) -> None:
    """The same events under the same id, whatever the failure; then they are gone."""
    monkeypatch.setattr(shipping, "_SLOW_SECONDS", 0.01)
    tracking = ScriptedTracking(
        UnavailableError("down"),
        ResourceExhaustedError("busy"),
        UnauthenticatedError("who?", reason=ErrorReason.API_KEY_REVOKED),
        InvalidArgumentError("what?", reason=ErrorReason.REQUEST_ID_INVALID),
    )
    await ship(spool, tracking, 5)
    assert len(tracking.calls) == 5
    assert all(call == tracking.calls[0] for call in tracking.calls)
    assert spool.batch() is None
    assert spool.oldest_seconds() is None


async def test_events_arrive_as_they_happened(spool: Spool) -> None:
    """Token, link, time to the microsecond, verdict and signal are those of the request."""
    tracking = ScriptedTracking()
    await ship(spool, tracking, 1)
    sent = tracking.calls[0][1][3]
    token = parsed(sent.token)
    assert token is not None
    assert token.sealed == b"\1" + (3).to_bytes(41)
    assert (sent.link_number, sent.verdict, sent.privacy_signal) == (3, Verdict.PROXY, True)
    assert sent.event_time is not None
    assert sent.event_time.isoformat() == "2026-09-21T14:13:20.123456+00:00"


async def test_the_authority_says_when_to_come_back(spool: Spool) -> None:
    """What RetryInfo asks for is waited, before the wait of our own."""
    tracking = ScriptedTracking(ResourceExhaustedError("busy", retry_after=1.0))
    await ship(spool, tracking, 2)
    assert tracking.times[1] - tracking.times[0] >= 1.0


async def test_a_failure_of_ours_is_not_hurried(spool: Spool) -> None:
    """Where only a person can help, calls are seconds apart."""
    tracking = ScriptedTracking(UnauthenticatedError("who?"))
    await ship(spool, tracking, 1)
    assert len(tracking.calls) == 1
    assert spool.batch() is not None
