# Generated from _async/stats.py by `make sync-client`; do not edit.
"""Statistics of campaigns."""

from collections.abc import Generator
from contextlib import closing

from grpc import Channel

from hushpost.v1 import stats_pb2
from hushpost.v1.stats_pb2_grpc import StatsServiceStub
from hushpost_client import _stats_proto
from hushpost_client._enums import Engagement, StatsView
from hushpost_client._enums_proto import ENGAGEMENT, STATS_VIEW
from hushpost_client._stats_types import (
    CampaignStats,
    EngagedContact,
    GroupStats,
    LinkStats,
    StatsPage,
)
from hushpost_client._sync.calls import Calls

__all__ = ["Stats"]


class Stats:
    """Reads the statistics of campaigns. Requires a key of role REPORTER.

    These arguments are the same in all methods:

    - `tenant_id`: the tenant of the campaign; None for the key's own.
    - `timeout`: seconds; None for the client's timeout.

    All methods raise `HushpostError`. Their docstrings list the reasons to expect;
    TENANT_NOT_ALLOWED is possible everywhere.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = StatsServiceStub(channel)
        self._calls = calls

    def get_campaign_stats(
        self,
        campaign_id: str,
        *,
        view: StatsView = StatsView.FULL,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> CampaignStats:
        """Return the statistics of a campaign: in total, by group, by link and by hour.

        `view` selects the parts to read. A campaign can have thousands of groups and links;
        `list_group_stats` and `list_link_stats` sort, filter and page them.

        Reasons: CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        request = stats_pb2.GetCampaignStatsRequest(
            tenant_id=tenant_id or "", campaign_id=campaign_id, view=STATS_VIEW.to_wire(view)
        )
        response = self._calls.unary(self._stub.GetCampaignStats, request, timeout)
        return _stats_proto.campaign_stats(response.stats)

    def watch_campaign_stats(
        self,
        campaign_id: str,
        *,
        view: StatsView = StatsView.FULL,
        tenant_id: str | None = None,
    ) -> Generator[CampaignStats, None, None]:
        """Yield the present statistics of a campaign, then whenever they change, without end.

        `view` selects the parts to read; changes of others yield nothing.

        At most once a second. If you read more slowly, you miss some; the last ones you get
        are always current. Anonymous counts change only when they are released.

        Reconnects for as long as the authority is UNAVAILABLE, and continues with the then
        present statistics if they differ. Wrap the call in `contextlib.closing` to end the
        stream as soon as you leave the loop.

        Reasons: CAMPAIGN_NOT_FOUND, OVERLOADED.
        """
        latest: CampaignStats | None = None

        def next_request() -> stats_pb2.WatchCampaignStatsRequest:
            return stats_pb2.WatchCampaignStatsRequest(
                tenant_id=tenant_id or "", campaign_id=campaign_id, view=STATS_VIEW.to_wire(view)
            )

        stream = self._calls.stream(self._stub.WatchCampaignStats, next_request)
        with closing(stream) as responses:
            for response in responses:
                stats = _stats_proto.campaign_stats(response.stats)
                if stats != latest:
                    latest = stats
                    yield stats

    def list_group_stats(
        self,
        campaign_id: str,
        *,
        filter: str | None = None,  # noqa: A002 - the name of the field
        order_by: str | None = None,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[GroupStats, None, None]:
        """Iterate over the statistics of a campaign's groups.

        Pages are fetched on demand. If numbers change meanwhile, a list that is sorted by
        them can repeat or leave out a group.

        Args:
            campaign_id: The campaign.
            filter: Only groups whose id contains this text; upper and lower case are
                the same. None for all.
            order_by: "group_id", "sent", "opens", "clicks" (people), "open_rate",
                "click_through_rate" or "click_to_open_rate", each also with " desc"; None
                for the order of their creation.
            page_size: At most 1,000; None for 100.
            tenant_id: The tenant of the campaign; None for the key's own.
            timeout: Seconds for each page; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> stats_pb2.ListGroupStatsResponse:
            request = stats_pb2.ListGroupStatsRequest(
                tenant_id=tenant_id or "",
                campaign_id=campaign_id,
                filter=filter or "",
                order_by=order_by or "",
                page_size=page_size or 0,
                page_token=page_token,
            )
            return self._calls.unary(self._stub.ListGroupStats, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for item in _stats_proto.group_page(page).items:
                    yield item

    def group_stats_page(
        self,
        campaign_id: str,
        *,
        filter: str | None = None,  # noqa: A002 - the name of the field
        order_by: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        skip: int = 0,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> StatsPage[GroupStats]:
        """Return one page of what `list_group_stats` iterates over.

        The numbers are those of the last `get_campaign_stats` if that was less than a second
        ago.

        Args:
            campaign_id: The campaign.
            filter: As in `list_group_stats`.
            order_by: As in `list_group_stats`.
            page_size: At most 1,000; None for 100.
            page_token: The `next_page_token` of the page before, with the same filter and
                order; None for the first page.
            skip: How many groups to leave out before the page.
            tenant_id: The tenant of the campaign; None for the key's own.
            timeout: Seconds; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID.
        """
        request = stats_pb2.ListGroupStatsRequest(
            tenant_id=tenant_id or "",
            campaign_id=campaign_id,
            filter=filter or "",
            order_by=order_by or "",
            page_size=page_size or 0,
            page_token=page_token or "",
            skip=skip,
        )
        response = self._calls.unary(self._stub.ListGroupStats, request, timeout)
        return _stats_proto.group_page(response)

    def list_link_stats(
        self,
        campaign_id: str,
        *,
        filter: str | None = None,  # noqa: A002 - the name of the field
        order_by: str | None = None,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[LinkStats, None, None]:
        """Iterate over the statistics of a campaign's links.

        Pages are fetched on demand. If numbers change meanwhile, a list that is sorted by
        them can repeat or leave out a link.

        Args:
            campaign_id: The campaign.
            filter: Only links whose URL or label contains this text; upper and lower case are
                the same. None for all.
            order_by: "link_number", "url", "label" or "clicks" (people), each also with
                " desc"; None for ascending numbers.
            page_size: At most 1,000; None for 100.
            tenant_id: The tenant of the campaign; None for the key's own.
            timeout: Seconds for each page; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> stats_pb2.ListLinkStatsResponse:
            request = stats_pb2.ListLinkStatsRequest(
                tenant_id=tenant_id or "",
                campaign_id=campaign_id,
                filter=filter or "",
                order_by=order_by or "",
                page_size=page_size or 0,
                page_token=page_token,
            )
            return self._calls.unary(self._stub.ListLinkStats, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for item in _stats_proto.link_page(page).items:
                    yield item

    def link_stats_page(
        self,
        campaign_id: str,
        *,
        filter: str | None = None,  # noqa: A002 - the name of the field
        order_by: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        skip: int = 0,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> StatsPage[LinkStats]:
        """Return one page of what `list_link_stats` iterates over.

        The numbers are those of the last `get_campaign_stats` if that was less than a second
        ago.

        Args:
            campaign_id: The campaign.
            filter: As in `list_link_stats`.
            order_by: As in `list_link_stats`.
            page_size: At most 1,000; None for 100.
            page_token: The `next_page_token` of the page before, with the same filter and
                order; None for the first page.
            skip: How many links to leave out before the page.
            tenant_id: The tenant of the campaign; None for the key's own.
            timeout: Seconds; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID.
        """
        request = stats_pb2.ListLinkStatsRequest(
            tenant_id=tenant_id or "",
            campaign_id=campaign_id,
            filter=filter or "",
            order_by=order_by or "",
            page_size=page_size or 0,
            page_token=page_token or "",
            skip=skip,
        )
        response = self._calls.unary(self._stub.ListLinkStats, request, timeout)
        return _stats_proto.link_page(response)

    def list_engaged_contacts(
        self,
        campaign_id: str,
        engagement: Engagement = Engagement.ANY,
        *,
        link_number: int | None = None,
        include_machine: bool = False,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[EngagedContact, None, None]:
        """Iterate over the contacts that opened or clicked, in no particular order.

        Only contacts whose mode is IDENTIFIED, at the event and now. Pages are fetched
        on demand.

        Args:
            campaign_id: The campaign.
            engagement: Which contacts to list.
            link_number: With CLICKED, only clicks on this link; None for any link.
            include_machine: Whether events with the verdict PREFETCH or SCANNER count.
            page_size: At most 1,000; None for 100.
            tenant_id: The tenant of the campaign; None for the key's own.
            timeout: Seconds for each page; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> stats_pb2.ListEngagedContactsResponse:
            request = stats_pb2.ListEngagedContactsRequest(
                tenant_id=tenant_id or "",
                campaign_id=campaign_id,
                engagement=ENGAGEMENT.to_wire(engagement),
                link_number=link_number or 0,
                include_machine=include_machine,
                page_size=page_size or 0,
                page_token=page_token,
            )
            return self._calls.unary(self._stub.ListEngagedContacts, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for contact in page.contacts:
                    yield _stats_proto.engaged_contact(contact)
