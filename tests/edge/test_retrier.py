"""Sending the quarantine to an authority that sometimes rejects or fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from hushpost_client import (
    ErrorReason,
    Event,
    HushpostError,
    RecordedEvents,
    RejectedEvent,
    Tracking,
    UnavailableError,
)
from hushpost_edge import retrier
from hushpost_edge.retrier import Retrier
from hushpost_edge.spool import Spool
from tests.waiting import until

from .ciphers import CIPHER
from .test_quarantine import CAMPAIGN, FUTURE, LARGE, NOW, packed

EVENTS = 12


class ScriptedTracking:
    """A fake that rejects events by link number, and fails when told so."""

    def __init__(self) -> None:
        self.rejected: dict[int, ErrorReason] = {}
        self.failures: list[HushpostError] = []
        self.calls: list[tuple[str, list[int]]] = []
        self.accepted: list[int] = []

    async def record_events(
        self, events: Iterable[Event], *, request_id: str, timeout: float
    ) -> RecordedEvents:
        """Accept what is not rejected, once per request id."""
        assert timeout
        links = [event.link_number or 0 for event in events]
        is_new = request_id not in [known for known, _ in self.calls]
        self.calls.append((request_id, links))
        rejected = [
            RejectedEvent(index=index, reason=self.rejected[link], message="")
            for index, link in enumerate(links)
            if link in self.rejected
        ]
        if is_new:
            self.accepted += [link for link in links if link not in self.rejected]
        if self.failures:
            raise self.failures.pop(0)  # after the commit: the response is lost
        return RecordedEvents(accepted_count=len(links) - len(rejected), rejected=tuple(rejected))


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    """A spool with twelve events in quarantine."""
    spool = Spool(tmp_path / "1.sqlite", lambda: NOW, CIPHER)
    half = EVENTS // 2
    spool.quarantine.add(
        {FUTURE: packed(*range(half)), CAMPAIGN: packed(*range(half, EVENTS))}, LARGE
    )
    yield spool
    spool.close()


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten all intervals."""
    for name in ("_POLL_SECONDS", "_FIRST_INTERVAL_SECONDS", "_FAILURE_SECONDS"):
        monkeypatch.setattr(retrier, name, 0.01)


async def retry(spool: Spool, tracking: ScriptedTracking, condition: Callable[[], bool]) -> None:
    """Run a retrier until a condition is true, and a little longer."""
    task = asyncio.create_task(Retrier(spool, cast("Tracking", tracking)).run_forever())
    await until(condition)
    await asyncio.sleep(0.1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_events_are_sent_again_until_they_are_accepted(spool: Spool) -> None:
    """Events stay while they are rejected, are accepted once, and then leave the file."""
    tracking = ScriptedTracking()
    tracking.rejected = dict.fromkeys(range(EVENTS), ErrorReason.EVENT_TIME_IN_FUTURE)
    await retry(spool, tracking, lambda: len(tracking.calls) >= 3)
    assert spool.quarantine.measure()[0] == {FUTURE: EVENTS}
    del tracking.rejected[3]
    tracking.rejected[4] = ErrorReason.TOKEN_INVALID
    await retry(spool, tracking, lambda: tracking.accepted == [3])
    assert spool.quarantine.measure()[0] == {FUTURE: EVENTS - 2}
    tracking.rejected = {}
    await retry(spool, tracking, lambda: not spool.quarantine.measure()[0])
    assert sorted(tracking.accepted) == [number for number in range(EVENTS) if number != 4]
    spool.clean_up()
    for file in Path(spool._db.execute("pragma database_list").fetchone()[2]).parent.iterdir():
        assert b"secret-token-" not in file.read_bytes(), file


async def test_a_lost_response_counts_no_event_twice(spool: Spool) -> None:
    """After a lost response, the same events are sent under the same request id."""
    tracking = ScriptedTracking()
    tracking.failures = [UnavailableError("the connection was lost")] * 2
    await retry(spool, tracking, lambda: not spool.quarantine.measure()[0])
    assert len(tracking.calls) == 3
    assert all(call == tracking.calls[0] for call in tracking.calls)
    assert tracking.accepted == list(range(EVENTS))


async def test_intervals_grow_while_everything_is_rejected(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intervals double up to the greatest one, and are short again after a success."""
    waits: list[float] = []
    real = Retrier._end_round

    async def end_round(self: Retrier) -> None:
        await real(self)
        waits.append(self._interval)

    monkeypatch.setattr(retrier, "_MAX_INTERVAL_SECONDS", 0.08)
    monkeypatch.setattr(Retrier, "_end_round", end_round)
    tracking = ScriptedTracking()
    tracking.rejected = dict.fromkeys(range(EVENTS), ErrorReason.CAMPAIGN_NOT_FOUND)
    await retry(spool, tracking, lambda: len(waits) >= 4)
    assert waits[:4] == [0.02, 0.04, 0.08, 0.08]
    del tracking.rejected[0]
    waits.clear()
    await retry(spool, tracking, lambda: len(waits) >= 1)
    assert waits[0] == 0.02
