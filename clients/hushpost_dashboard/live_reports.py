"""Watches the statistics of campaigns for the browsers that show them.

All browsers that show one campaign with one API key share a stream from the authority, and
what is sent to them is rendered once per change. A slow browser misses some changes; the last
one that it gets is current.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

import structlog

from hushpost_client import (
    CampaignStats,
    DeadlineExceededError,
    Hushpost,
    HushpostError,
    NotFoundError,
    PermissionDeniedError,
    StatsView,
    UnauthenticatedError,
    UnavailableError,
)
from hushpost_dashboard import metrics
from hushpost_dashboard.connection import AuthorityClients, TooManyClientsError
from hushpost_dashboard.sessions import Session

__all__ = ["EndReason", "LiveReports", "TooManyWatchersError", "Update"]

_log = structlog.get_logger(__name__)

_MAX_WATCHERS = 1_000
_MAX_WATCHERS_OF_SESSION = 20
_CHECK_SECONDS = 10.0
_CHECK_TIMEOUT_SECONDS = 5.0


class TooManyWatchersError(Exception):
    """As many pages as possible are live, in this session or in all."""


class EndReason(StrEnum):
    """Why there will be no more updates of a campaign."""

    SIGNED_OUT = "signed-out"
    """The session ended, or the API key was revoked or has expired."""
    NOT_FOUND = "not-found"
    """There is no such campaign."""
    BUSY = "busy"
    """The authority or the dashboard has no room for another stream; try again later."""
    STOPPING = "stopping"
    """The dashboard shuts down."""


@dataclass(frozen=True, slots=True)
class Update:
    """What a browser is sent.

    Attributes:
        document: The rendered statistics; None before the first.
        is_current: Whether the authority could be reached during the last seconds.
    """

    document: str | None = None
    is_current: bool = True


class LiveReports:
    """Runs one stream per campaign and API key, for as long as a browser watches.

    Args:
        clients: The clients of the API keys.
        render: Returns what browsers are sent.
        max_watchers: How many pages may be live at once.
        max_watchers_of_session: How many pages of one session may be live at once.
        check_seconds: How often to find out whether the authority can be reached. The stream
            alone does not show it, because it resumes by itself.
    """

    def __init__(
        self,
        clients: AuthorityClients,
        render: Callable[[CampaignStats], str],
        *,
        max_watchers: int = _MAX_WATCHERS,
        max_watchers_of_session: int = _MAX_WATCHERS_OF_SESSION,
        check_seconds: float = _CHECK_SECONDS,
    ) -> None:
        self._clients = clients
        self._render = render
        self._max_watchers = max_watchers
        self._max_watchers_of_session = max_watchers_of_session
        self._check_seconds = check_seconds
        self._watchers: Counter[str] = Counter()
        self._feeds: dict[tuple[str, str], _Feed] = {}
        self._is_closed = False

    @property
    def stream_count(self) -> int:
        """How many streams from the authority are open."""
        return len(self._feeds)

    @asynccontextmanager
    async def watch(
        self, session: Session, campaign_id: str, is_signed_in: Callable[[], bool]
    ) -> AsyncIterator[AsyncGenerator[Update | EndReason, None]]:
        """Watch a campaign: the present state, then every change, and why it ended if it does.

        Args:
            session: Of the person who watches.
            campaign_id: The campaign.
            is_signed_in: Whether the session has not ended yet; asked every few seconds.

        Raises TooManyWatchersError.
        """
        session_id, api_key = session.session_id, session.api_key
        if (
            self._watchers.total() >= self._max_watchers
            or self._watchers[session_id] >= self._max_watchers_of_session
        ):
            raise TooManyWatchersError
        self._watchers[session_id] += 1
        metrics.WATCHERS.inc()
        feed = self._feed(api_key, campaign_id)
        feed.watchers += 1
        try:
            async with aclosing(feed.updates(is_signed_in)) as updates:
                yield updates
        finally:
            metrics.WATCHERS.dec()
            self._watchers -= Counter({session_id: 1})
            feed.watchers -= 1
            if not feed.watchers:
                if self._feeds.get((api_key, campaign_id)) is feed:
                    del self._feeds[api_key, campaign_id]
                feed.end(EndReason.STOPPING)

    def close(self) -> None:
        """End all streams; browsers reconnect to the next process."""
        self._is_closed = True
        for feed in self._feeds.values():
            feed.end(EndReason.STOPPING)

    def _feed(self, api_key: str, campaign_id: str) -> "_Feed":
        feed = self._feeds.get((api_key, campaign_id))
        if feed is None or feed.end_reason is not None:
            feed = _Feed(self._clients, self._render, api_key, campaign_id, self._check_seconds)
            self._feeds[api_key, campaign_id] = feed
            if self._is_closed:
                feed.end(EndReason.STOPPING)
        return feed


class _Feed:
    """The stream of one campaign, and the last update of it."""

    def __init__(
        self,
        clients: AuthorityClients,
        render: Callable[[CampaignStats], str],
        api_key: str,
        campaign_id: str,
        check_seconds: float,
    ) -> None:
        self.watchers = 0
        self.end_reason: EndReason | None = None
        self._clients = clients
        self._render = render
        self._api_key = api_key
        self._campaign_id = campaign_id
        self._check_seconds = check_seconds
        self._update = Update()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="live report")

    def end(self, reason: EndReason) -> None:
        """End the stream, if it has not ended yet."""
        if self.end_reason is None:
            self.end_reason = reason
            self._changed.set()
        self._task.cancel()

    async def updates(
        self, is_signed_in: Callable[[], bool]
    ) -> AsyncGenerator[Update | EndReason, None]:
        """Yield the present update, then every new one; at last why there are no more."""
        seen = Update()
        while is_signed_in():
            changed = self._changed
            if self._update != seen:
                seen = self._update
                yield seen
            elif self.end_reason is not None:
                yield self.end_reason
                return
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), self._check_seconds)
        yield EndReason.SIGNED_OUT

    async def _run(self) -> None:
        try:
            async with self._clients.of_key(self._api_key) as hushpost, asyncio.TaskGroup() as both:
                both.create_task(self._watch(hushpost))
                both.create_task(self._check(hushpost))
        except* (UnauthenticatedError, PermissionDeniedError):
            self.end(EndReason.SIGNED_OUT)
        except* NotFoundError:
            self.end(EndReason.NOT_FOUND)
        except* (HushpostError, TooManyClientsError) as errors:
            _log.warning("live report ended", cause=type(errors.exceptions[0]).__name__)
            self.end(EndReason.BUSY)
        except* Exception as errors:  # noqa: BLE001 - browsers must learn that it ended
            _log.error("live report failed", cause=type(errors.exceptions[0]).__name__)
            self.end(EndReason.BUSY)

    async def _watch(self, hushpost: Hushpost) -> None:
        watching = hushpost.stats.watch_campaign_stats(self._campaign_id, view=StatsView.HOURLY)
        async with aclosing(watching) as reports:
            async for stats in reports:
                self._publish(Update(self._render(stats)))

    async def _check(self, hushpost: Hushpost) -> None:
        """Find out again and again whether the authority can be reached."""
        while True:
            await asyncio.sleep(self._check_seconds)
            is_current = False
            with suppress(UnavailableError, DeadlineExceededError):
                await hushpost.stats.get_campaign_stats(
                    self._campaign_id, view=StatsView.SUMMARY, timeout=_CHECK_TIMEOUT_SECONDS
                )
                is_current = True
            self._publish(Update(self._update.document, is_current=is_current))

    def _publish(self, update: Update) -> None:
        if update != self._update:
            self._update = update
            self._changed.set()
            self._changed = asyncio.Event()
