"""Statistics of campaigns."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from grpc.aio import Channel

from hushpost.v1 import stats_pb2
from hushpost.v1.stats_pb2_grpc import StatsServiceStub
from hushpost_client import _stats_proto
from hushpost_client._async.calls import Calls
from hushpost_client._enums import Engagement
from hushpost_client._enums_proto import ENGAGEMENT
from hushpost_client._stats_types import CampaignStats, EngagedContact

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

    async def get_campaign_stats(
        self, campaign_id: str, *, tenant_id: str | None = None, timeout: float | None = None
    ) -> CampaignStats:
        """Return the statistics of a campaign: in total, by group, by link and by hour.

        Reasons: CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        request = stats_pb2.GetCampaignStatsRequest(
            tenant_id=tenant_id or "", campaign_id=campaign_id
        )
        response = await self._calls.unary(self._stub.GetCampaignStats, request, timeout)
        return _stats_proto.campaign_stats(response.stats)

    async def watch_campaign_stats(
        self, campaign_id: str, *, tenant_id: str | None = None
    ) -> AsyncGenerator[CampaignStats, None]:
        """Yield the present statistics of a campaign, then whenever they change, without end.

        At most once a second. If you read more slowly, you miss some; the last ones you get
        are always current. Anonymous counts change only when they are released.

        Reconnects for as long as the authority is UNAVAILABLE, and continues with the then
        present statistics if they differ. Wrap the call in `contextlib.aclosing` to end the
        stream as soon as you leave the loop.

        Reasons: CAMPAIGN_NOT_FOUND, OVERLOADED.
        """
        latest: CampaignStats | None = None

        def next_request() -> stats_pb2.WatchCampaignStatsRequest:
            return stats_pb2.WatchCampaignStatsRequest(
                tenant_id=tenant_id or "", campaign_id=campaign_id
            )

        stream = self._calls.stream(self._stub.WatchCampaignStats, next_request)
        async with aclosing(stream) as responses:
            async for response in responses:
                stats = _stats_proto.campaign_stats(response.stats)
                if stats != latest:
                    latest = stats
                    yield stats

    async def list_engaged_contacts(
        self,
        campaign_id: str,
        engagement: Engagement = Engagement.ANY,
        *,
        link_number: int | None = None,
        include_machine: bool = False,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[EngagedContact, None]:
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

        async def fetch(page_token: str) -> stats_pb2.ListEngagedContactsResponse:
            request = stats_pb2.ListEngagedContactsRequest(
                tenant_id=tenant_id or "",
                campaign_id=campaign_id,
                engagement=ENGAGEMENT.to_wire(engagement),
                link_number=link_number or 0,
                include_machine=include_machine,
                page_size=page_size or 0,
                page_token=page_token,
            )
            return await self._calls.unary(self._stub.ListEngagedContacts, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for contact in page.contacts:
                    yield _stats_proto.engaged_contact(contact)
