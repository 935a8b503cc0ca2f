"""StatsService: statistics of campaigns. Called by dashboards."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc

from hushpost.v1 import stats_pb2 as pb
from hushpost.v1.stats_pb2_grpc import StatsServiceServicer
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.ordering import checked_order_by
from hushpost_service.domain.searching import checked_search
from hushpost_service.domain.validation import checked_page_size
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.rpc.convert import optional_enum_member, timestamp
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import checked_skip, page_start, page_token
from hushpost_service.rpc.stats_conversion import (
    StatsView,
    campaign_stats,
    group_stats,
    link_stats,
)
from hushpost_service.stats.lists import GROUP_FIELDS, LINK_FIELDS, listed_groups, listed_links
from hushpost_service.stats.report import CampaignReport
from hushpost_service.stats.service import Stats
from hushpost_service.stats.shared_reports import SharedReport, SharedReports
from hushpost_service.stats.watching import CampaignWatching

__all__ = ["StatsServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

_OfCampaign = pb.GetCampaignStatsRequest | pb.ListGroupStatsRequest | pb.ListLinkStatsRequest


def _watch_response(view: StatsView, report: CampaignReport) -> bytes:
    """Return a response, serialized once for all streams: of a large campaign it takes 3 ms."""
    return pb.WatchCampaignStatsResponse(stats=campaign_stats(report, view)).SerializeToString()


_WATCH_RESPONSES = {view: partial(_watch_response, view) for view in StatsView}

_LAST_SIGNAL = 2**31 - 1
"""No signal is greater: a click's signal is its link number, an int32."""


class StatsServicer(StatsServiceServicer):
    """Serves StatsService."""

    def __init__(self, stats: Stats, shutdown: GracefulShutdown) -> None:
        self._stats = stats
        self._reports = SharedReports(stats)
        self._watching = CampaignWatching[bytes](self._reports, shutdown)

    async def GetCampaignStats(
        self, request: pb.GetCampaignStatsRequest, context: Context
    ) -> pb.GetCampaignStatsResponse:
        """Return the report of a campaign."""
        view = _view(request)
        report = await self._shared_report(request).current()
        return await self._reports.build(
            report, lambda it: pb.GetCampaignStatsResponse(stats=campaign_stats(it, view))
        )

    async def WatchCampaignStats(
        self, request: pb.WatchCampaignStatsRequest, context: Context
    ) -> AsyncIterator[Any]:
        """Stream the report of a campaign, serialized: the present one, then each that differs."""
        build = _WATCH_RESPONSES[_view(request)]
        tenant = current_caller().tenant(request.tenant_id)
        async with aclosing(self._watching.watch(tenant, request.campaign_id, build)) as responses:
            async for response in responses:
                yield response

    async def ListGroupStats(
        self, request: pb.ListGroupStatsRequest, context: Context
    ) -> pb.ListGroupStatsResponse:
        """Return a page of the groups of a campaign."""
        page = _Page(request, "group_stats")
        order = checked_order_by(request.order_by, GROUP_FIELDS)
        search = checked_search(request.filter)
        report = await self._shared_report(request).recent()
        groups, others = await self._reports.build(
            report, lambda it: (listed_groups(it, order, search), it.other_groups)
        )
        return pb.ListGroupStatsResponse(
            groups=map(group_stats, groups[page.items]),
            next_page_token=page.next_token(len(groups)),
            total_size=len(groups),
            other_groups=group_stats(others) if others and page.is_first else None,
        )

    async def ListLinkStats(
        self, request: pb.ListLinkStatsRequest, context: Context
    ) -> pb.ListLinkStatsResponse:
        """Return a page of the links of a campaign."""
        page = _Page(request, "link_stats")
        order = checked_order_by(request.order_by, LINK_FIELDS)
        search = checked_search(request.filter)
        report = await self._shared_report(request).recent()
        links = await self._reports.build(report, lambda it: listed_links(it, order, search))
        return pb.ListLinkStatsResponse(
            links=map(link_stats, links[page.items]),
            next_page_token=page.next_token(len(links)),
            total_size=len(links),
        )

    def _shared_report(self, request: "_OfCampaign") -> SharedReport:
        tenant = current_caller().tenant(request.tenant_id)
        return self._reports.of(tenant, request.campaign_id)

    async def ListEngagedContacts(
        self, request: pb.ListEngagedContactsRequest, context: Context
    ) -> pb.ListEngagedContactsResponse:
        """Return a page of identified contacts that opened or clicked."""
        tenant = current_caller().tenant(request.tenant_id)
        size = checked_page_size(request.page_size)
        (start,) = page_start("engaged", request.page_token) or (0,)
        found = await self._stats.engaged_contacts(
            tenant,
            request.campaign_id,
            signals=_signals(request),
            after=start,
            limit=size + 1,
            include_machine=request.include_machine,
        )
        page = found[:size]
        return pb.ListEngagedContactsResponse(
            contacts=[
                pb.EngagedContact(
                    contact_id=contact.contact_id,
                    open_count=contact.opens,
                    click_count=contact.clicks,
                    first_event_time=timestamp(contact.first_event_time),
                    last_event_time=timestamp(contact.last_event_time),
                )
                for contact in page
            ],
            next_page_token=page_token("engaged", page[-1].number) if found[size:] else "",
        )


class _Page:
    """The page of a list that a request asks for.

    Attributes:
        items: Which items are on the page.
        is_first: Whether it is the first page.
    """

    def __init__(
        self, request: pb.ListGroupStatsRequest | pb.ListLinkStatsRequest, kind: str
    ) -> None:
        """Raises PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID, FIELD_INVALID."""
        (after,) = page_start(kind, request.page_token) or (0,)
        start = after + checked_skip(request.skip)
        self.items = slice(start, start + checked_page_size(request.page_size))
        self.is_first = not start
        self._kind = kind

    def next_token(self, total: int) -> str:
        """Return the token of the next page of a list with `total` items; "" if there is none."""
        return page_token(self._kind, self.items.stop) if self.items.stop < total else ""


def _view(request: pb.GetCampaignStatsRequest | pb.WatchCampaignStatsRequest) -> StatsView:
    return optional_enum_member(StatsView, request.view, "view") or StatsView.FULL


def _signals(request: pb.ListEngagedContactsRequest) -> tuple[int, int]:
    """Return the first and last signal of the range that the contacts' events must be in."""
    link = request.link_number
    if link and request.engagement != pb.ENGAGEMENT_CLICKED:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "link_number requires engagement CLICKED",
            {"field": "link_number"},
        )
    if link < 0:
        raise HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link with that number")
    ranges = {
        pb.ENGAGEMENT_UNSPECIFIED: (0, _LAST_SIGNAL),
        pb.ENGAGEMENT_ANY: (0, _LAST_SIGNAL),
        pb.ENGAGEMENT_OPENED: (0, 0),
        pb.ENGAGEMENT_CLICKED: (link or 1, link or _LAST_SIGNAL),
    }
    if request.engagement not in ranges:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "engagement must be one of ANY, OPENED, CLICKED",
            {"field": "engagement"},
        )
    return ranges[request.engagement]
