"""How many commits of a tenant run at once."""

import asyncio

import pytest

from hushpost_service.domain.events import Event
from hushpost_service.storage.request_ids import Method
from hushpost_service.tracking.commit_queue import CommitQueue, Request

EVENT = Event(1, 0, 1, 0, 0, 1, 1, 0, privacy_signal=False, repeated=False, created=0)


def _queue(requests: int, events_each: int, commits: int) -> CommitQueue:
    queue = CommitQueue(24, commits=commits)
    for _ in range(requests):
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.put(Request(Method.RECORD_EVENTS, None, [EVENT] * events_each, b"", committed))
    return queue


@pytest.mark.parametrize(
    ("requests", "events_each", "commits", "needs_another", "has_spare"),
    [
        (0, 1, 0, False, False),
        (1, 1, 0, True, False),
        (23, 1, 1, False, False),
        (24, 1, 1, True, False),
        (24, 1, 2, False, False),
        (23, 1, 2, False, True),
        (0, 1, 2, False, True),
        (1, 499, 1, False, False),
        (1, 500, 1, True, False),
        (1, 500, 2, False, False),
        (1, 499, 2, False, True),
    ],
)
async def test_many_requests_or_events_justify_a_second_commit(
    requests: int, events_each: int, commits: int, *, needs_another: bool, has_spare: bool
) -> None:
    """A second commit starts for 24 requests or 500 events, and there are never more than two."""
    queue = _queue(requests, events_each, commits)
    assert queue.needs_committer() is needs_another
    assert queue.has_spare_committer() is has_spare
