"""A tenant's queue of requests that wait for a commit of the recorder."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from hushpost_service.domain.events import Event, Events
from hushpost_service.storage.request_ids import Method

if TYPE_CHECKING:
    from hushpost_runtime.traces import TracePoint

__all__ = ["CommitQueue", "Request"]

_MAX_COMMIT_EVENTS = 5_000
"""Larger queues take several commits; one of this size takes well under a second."""

_MAX_COMMITS = 2
_SECOND_COMMIT_EVENTS = 500
"""Queued events that justify a second concurrent commit: its events are read, added up and encoded while
PostgreSQL works on the first. Fewer events wait for the next commit, because its round trips cost the
same for one event as for many."""


@dataclass(slots=True, eq=False)
class Request:
    """The events of one call that belong to one tenant."""

    method: Method
    request_id: UUID | None
    events: Events | list[Event]
    result: bytes
    committed: asyncio.Future[None]
    trace: "TracePoint | None" = None
    earlier_result: bytes | None = None


@dataclass(slots=True, eq=False)
class CommitQueue:
    """The requests of a tenant that wait for a commit, and its commits in progress.

    Attributes:
        second_commit_requests: Queued requests that justify a second concurrent commit, however few
            events they have.
        requests: The requests that wait.
        events: How many events they have.
        commits: How many commits are in progress.
    """

    second_commit_requests: int
    requests: deque[Request] = field(default_factory=deque)
    events: int = 0
    commits: int = 0

    def put(self, request: Request) -> None:
        """Append a request."""
        self.requests.append(request)
        self.events += len(request.events)

    def needs_committer(self) -> bool:
        """Return whether to start another committer."""
        if self.commits == 0:
            return bool(self.requests)
        return self.commits < _MAX_COMMITS and self._justifies_second_commit()

    def has_spare_committer(self) -> bool:
        """Return whether one of the committers should end, and leave the requests to the other."""
        return self.commits > 1 and not self._justifies_second_commit()

    def _justifies_second_commit(self) -> bool:
        return (
            self.events >= _SECOND_COMMIT_EVENTS
            or len(self.requests) >= self.second_commit_requests
        )

    def take(self) -> list[Request]:
        """Remove and return the requests of the next commit."""
        requests: list[Request] = []
        events = 0
        while self.requests and (
            not requests or events + len(self.requests[0].events) <= _MAX_COMMIT_EVENTS
        ):
            requests.append(self.requests.popleft())
            events += len(requests[-1].events)
        self.events -= events
        return requests
