"""Numbers: what reporting calls."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from grpc.aio import Channel

from hushpost.v1 import stats_pb2
from hushpost.v1.stats_pb2_grpc import StatsServiceStub
from hushpost_client import _stats_proto
from hushpost_client._calls import Calls
from hushpost_client._stats_types import CampaignStats, EngagedContact
from hushpost_client._words import Engagement
from hushpost_client._words_proto import ENGAGEMENT

__all__ = ["Stats"]


class Stats:
    """Answers the numbers of campaigns. For keys of role REPORTER.

    `tenant_id` may be empty: the key's tenant. `timeout` is in seconds; None for
    the client's. All methods raise `HushpostError`; the reasons to expect are
    listed, TENANT_NOT_ALLOWED aside.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = StatsServiceStub(channel)
        self._calls = calls

    async def get_campaign_stats(
        self, campaign_id: str, *, tenant_id: str = "", timeout: float | None = None
    ) -> CampaignStats:
        """Answer a campaign's numbers: as a whole, per group, per link, per hour.

        Reasons: CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        request = stats_pb2.GetCampaignStatsRequest(tenant_id=tenant_id, campaign_id=campaign_id)
        answer = await self._calls.unary(self._stub.GetCampaignStats, request, timeout)
        return _stats_proto.campaign_stats(answer.stats)

    async def watch_campaign_stats(
        self, campaign_id: str, *, tenant_id: str = ""
    ) -> AsyncGenerator[CampaignStats, None]:
        """Follow a campaign's numbers, again and again when they change.

        After a break it goes on by itself, for as long as the authority is
        UNAVAILABLE. Wrap it in `contextlib.aclosing` if you leave the loop before
        the client is closed.

        Reasons: CAMPAIGN_NOT_FOUND, NOT_IMPLEMENTED.
        """

        def again() -> stats_pb2.WatchCampaignStatsRequest:
            return stats_pb2.WatchCampaignStatsRequest(tenant_id=tenant_id, campaign_id=campaign_id)

        async with aclosing(self._calls.stream(self._stub.WatchCampaignStats, again)) as answers:
            async for answer in answers:
                yield _stats_proto.campaign_stats(answer.stats)

    async def list_engaged_contacts(
        self,
        campaign_id: str,
        engagement: Engagement = Engagement.ANY,
        *,
        link_number: int = 0,
        include_machine: bool = False,
        page_size: int = 0,
        tenant_id: str = "",
        timeout: float | None = None,
    ) -> AsyncGenerator[EngagedContact, None]:
        """Go through the contacts that opened or clicked, IDENTIFIED ones only.

        Pages are fetched on the way.

        Args:
            campaign_id: Which campaign.
            engagement: What they must have done.
            link_number: With CLICKED: only clicks on this link; 0: on any.
            include_machine: Whether events by machines count too.
            page_size: 0 means 100, at most 1,000.
            tenant_id: Empty: the key's.
            timeout: Seconds for each page; None for the client's.

        Reasons: CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> stats_pb2.ListEngagedContactsResponse:
            request = stats_pb2.ListEngagedContactsRequest(
                tenant_id=tenant_id,
                campaign_id=campaign_id,
                engagement=ENGAGEMENT.number(engagement),
                link_number=link_number,
                include_machine=include_machine,
                page_size=page_size,
                page_token=page_token,
            )
            return await self._calls.unary(self._stub.ListEngagedContacts, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for contact in page.contacts:
                    yield _stats_proto.engaged_contact(contact)
