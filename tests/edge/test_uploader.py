"""Sending a spool to an authority that sometimes fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import closing, suppress
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
from hushpost_edge import uploader
from hushpost_edge.spool import Spool
from hushpost_edge.spooled_event import SpooledEvent, pack
from hushpost_edge.token_header import parse_token
from hushpost_edge.uploader import Uploader
from tests.waiting import until

from .ciphers import CIPHER


class ScriptedTracking:
    """A fake that raises the given errors, one per call, and then accepts batches."""

    def __init__(self, *script: HushpostError) -> None:
        self.script = list(script)
        self.calls: list[tuple[str, list[Event]]] = []
        self.times: list[float] = []

    async def record_events(
        self, events: Iterable[Event], *, request_id: str, timeout: float
    ) -> RecordedEvents:
        """Record the call; raise the next error, or accept all but the first event."""
        assert timeout
        self.calls.append((request_id, list(events)))
        self.times.append(time.monotonic())
        if self.script:
            raise self.script.pop(0)
        rejected = RejectedEvent(index=0, reason=ErrorReason.TOKEN_INVALID, message="invalid token")
        return RecordedEvents(accepted_count=len(self.calls[-1][1]) - 1, rejected=(rejected,))


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    """A spool with ten events that are due for shipping."""
    spool = Spool(tmp_path / "1.sqlite", lambda: 1_000_000_000, CIPHER)
    blob = b"".join(
        pack(
            SpooledEvent(
                token=b"\1" + number.to_bytes(41),
                link=number,
                time=1_790_000_000_123_456,
                verdict=Verdict.PROXY,
                privacy_signal=True,
                repeated=number % 2 == 1,
            )
        )
        for number in range(10)
    )
    Spool(tmp_path / "1.sqlite", lambda: 1, CIPHER).append(1, blob, ())
    yield spool
    spool.close()


async def upload(spool: Spool, tracking: ScriptedTracking, calls: int) -> None:
    """Run an uploader until the given number of calls, and for 0.2 seconds more."""
    task = asyncio.create_task(Uploader(spool, cast("Tracking", tracking), 1 << 20).run_forever())
    await until(lambda: len(tracking.calls) >= calls)
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_batch_is_retried_until_it_is_accepted(spool: Spool, monkeypatch: Any) -> None:
    """Every retry sends the same events and request id; then the spool is empty."""
    monkeypatch.setattr(uploader, "_OPERATOR_RETRY_SECONDS", 0.01)
    tracking = ScriptedTracking(
        UnavailableError("down"),
        ResourceExhaustedError("busy"),
        UnauthenticatedError("unknown key", reason=ErrorReason.API_KEY_REVOKED),
        InvalidArgumentError("invalid", reason=ErrorReason.REQUEST_ID_INVALID),
    )
    await upload(spool, tracking, 5)
    assert len(tracking.calls) == 5
    assert all(call == tracking.calls[0] for call in tracking.calls)
    await until(lambda: spool.batch() is None)
    assert spool.oldest_seconds() is None


async def test_the_wal_does_not_grow_in_an_outage(
    spool: Spool, tmp_path: Path, monkeypatch: Any
) -> None:
    """While the authority is down, the write-ahead log is moved into the spool at intervals."""
    monkeypatch.setattr(uploader, "_CLEANUP_SECONDS", 0.0)
    log = tmp_path / "1.sqlite-wal"
    assert log.stat().st_size > 0
    tracking = ScriptedTracking(*[UnavailableError("down")] * 50)
    await upload(spool, tracking, 1)
    assert log.stat().st_size == 0
    assert spool.batch() is not None


async def test_events_are_sent_unchanged(spool: Spool) -> None:
    """Token, link, time in microseconds, verdict and privacy signal arrive unchanged."""
    tracking = ScriptedTracking()
    await upload(spool, tracking, 1)
    sent = tracking.calls[0][1][3]
    assert [event.repeated for event in tracking.calls[0][1]] == [False, True] * 5
    token = parse_token(sent.token)
    assert token is not None
    assert token.raw == b"\1" + (3).to_bytes(41)
    assert (sent.link_number, sent.verdict, sent.privacy_signal) == (3, Verdict.PROXY, True)
    assert sent.event_time is not None
    assert sent.event_time.isoformat() == "2026-09-21T14:13:20.123456+00:00"


async def test_retry_info_is_respected(spool: Spool) -> None:
    """The delay from RetryInfo is added to the backoff."""
    tracking = ScriptedTracking(ResourceExhaustedError("busy", retry_after=1.0))
    await upload(spool, tracking, 2)
    assert tracking.times[1] - tracking.times[0] >= 1.0


async def test_permanent_errors_are_retried_slowly(spool: Spool) -> None:
    """After an error that needs an operator, the events are kept and not resent soon."""
    tracking = ScriptedTracking(UnauthenticatedError("unknown key"))
    await upload(spool, tracking, 1)
    assert len(tracking.calls) == 1
    assert spool.batch() is not None


async def test_only_full_batches_follow_each_other_without_a_pause(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """Events that become due while a batch is sent wait for others, unless there are many."""
    monkeypatch.setattr(uploader, "_COLLECT_SECONDS", 3600.0)
    event = pack(
        SpooledEvent(b"\1" * 42, 1, 1, Verdict.HUMAN, privacy_signal=False, repeated=False)
    )
    with (
        closing(Spool(tmp_path / "1.sqlite", lambda: 1_000_000_000, CIPHER)) as spool,
        closing(Spool(tmp_path / "1.sqlite", lambda: 1, CIPHER)) as worker,
    ):

        class Tracking(ScriptedTracking):
            async def record_events(
                self, events: Iterable[Event], *, request_id: str, timeout: float
            ) -> RecordedEvents:
                worker.append(20_000 + len(self.calls), event, ())
                return await super().record_events(events, request_id=request_id, timeout=timeout)

        for arrival in range(12):
            worker.append(1 + 1000 * arrival, event * 1000, ())
        tracking = Tracking()
        await upload(spool, tracking, 3)
        assert spool.batch() is not None
    # The event that came with the third batch waits.
    assert [len(events) for _, events in tracking.calls] == [5000, 5000, 2002]
