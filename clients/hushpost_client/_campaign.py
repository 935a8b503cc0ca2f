"""Campaigns and tokens: what a sender calls."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from uuid import UUID

from grpc.aio import Channel

from hushpost.v1 import campaign_pb2
from hushpost.v1.campaign_pb2_grpc import CampaignServiceStub
from hushpost_client import _campaign_proto
from hushpost_client._calls import Calls, request_id_or_new
from hushpost_client._campaign_types import Campaign, IssuedTokens, NewLink

__all__ = ["Campaigns"]


class Campaigns:
    """Registers campaigns and issues their tokens. For keys of role SENDER.

    Keys of role REPORTER may get and list. `tenant_id` may be empty: the key's
    tenant. Each write that could count twice takes a `request_id`, a UUID that
    makes a repeated call count once, and makes one itself if it is None.
    `timeout` is in seconds, retries included; None for the client's. All methods
    raise `HushpostError`; the reasons to expect are listed, TENANT_NOT_ALLOWED
    and DATABASE_UNAVAILABLE aside.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = CampaignServiceStub(channel)
        self._calls = calls

    async def create_campaign(
        self,
        campaign_id: str = "",
        *,
        links: Iterable[NewLink | str] = (),
        groups: Iterable[str] = (),
        display_name: str = "",
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Campaign:
        """Create a campaign with its links and groups.

        Args:
            campaign_id: 1 to 128 bytes of UTF-8; empty: the authority makes one.
            links: Numbered 1…n in this order, at most 10,000; a bare URL will do.
            groups: Ids of 1 to 128 bytes, at most 10,000, each once.
            display_name: A name for people. At most 256 bytes.
            tenant_id: Empty: the key's.
            request_id: A UUID; None for a fresh one.
            timeout: Seconds, retries included; None for the client's.

        Reasons: ID_INVALID, LINK_URL_INVALID (metadata `index`), LIMIT_EXCEEDED,
        CAMPAIGN_ALREADY_EXISTS, REQUEST_ID_INVALID.
        """
        request = campaign_pb2.CreateCampaignRequest(
            tenant_id=tenant_id,
            campaign_id=campaign_id,
            display_name=display_name,
            links=_campaign_proto.link_messages(links),
            groups=_campaign_proto.group_messages(groups),
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.CreateCampaign, request, timeout)
        return _campaign_proto.campaign(answer.campaign)

    async def extend_campaign(
        self,
        campaign_id: str,
        *,
        links: Iterable[NewLink | str] = (),
        groups: Iterable[str] = (),
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Campaign:
        """Add links, numbered on from the last, and groups to an open campaign.

        Reasons: those of `create_campaign` without CAMPAIGN_ALREADY_EXISTS;
        CAMPAIGN_NOT_FOUND, CAMPAIGN_CLOSED.
        """
        request = campaign_pb2.ExtendCampaignRequest(
            tenant_id=tenant_id,
            campaign_id=campaign_id,
            links=_campaign_proto.link_messages(links),
            groups=_campaign_proto.group_messages(groups),
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.ExtendCampaign, request, timeout)
        return _campaign_proto.campaign(answer.campaign)

    async def get_campaign(
        self, campaign_id: str, *, tenant_id: str = "", timeout: float | None = None
    ) -> Campaign:
        """Answer a campaign with its links and groups.

        Reasons: CAMPAIGN_NOT_FOUND.
        """
        request = campaign_pb2.GetCampaignRequest(tenant_id=tenant_id, campaign_id=campaign_id)
        answer = await self._calls.unary(self._stub.GetCampaign, request, timeout)
        return _campaign_proto.campaign(answer.campaign)

    async def list_campaigns(
        self, *, page_size: int = 0, tenant_id: str = "", timeout: float | None = None
    ) -> AsyncGenerator[Campaign, None]:
        """Go through the tenant's campaigns, newest first, without links and groups.

        Pages are fetched on the way: `page_size` (0 means 100, at most 1,000)
        and `timeout` are for each.

        Reasons: PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> campaign_pb2.ListCampaignsResponse:
            request = campaign_pb2.ListCampaignsRequest(
                tenant_id=tenant_id, page_size=page_size, page_token=page_token
            )
            return await self._calls.unary(self._stub.ListCampaigns, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for message in page.campaigns:
                    yield _campaign_proto.campaign(message)

    async def close_campaign(
        self, campaign_id: str, *, tenant_id: str = "", timeout: float | None = None
    ) -> Campaign:
        """Close a campaign: no more links, groups or tokens.

        Its events are still recorded and its links redirect for ever. Closing a
        closed campaign is OK.

        Reasons: CAMPAIGN_NOT_FOUND.
        """
        request = campaign_pb2.CloseCampaignRequest(tenant_id=tenant_id, campaign_id=campaign_id)
        answer = await self._calls.unary(self._stub.CloseCampaign, request, timeout)
        return _campaign_proto.campaign(answer.campaign)

    async def issue_tokens(
        self,
        campaign_id: str,
        group_id: str,
        contact_ids: Iterable[str],
        *,
        include_preference_tokens: bool = False,
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> IssuedTokens:
        """Issue one token per contact, for 1…10,000 contacts of one group.

        Counts them as sent. Contacts not heard of before are created as UNSET. A
        repeated call answers other tokens that are as good.

        Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, CAMPAIGN_CLOSED,
        BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata `index`),
        REQUEST_ID_INVALID.
        """
        contacts = tuple(contact_ids)
        request = campaign_pb2.IssueTokensRequest(
            tenant_id=tenant_id,
            campaign_id=campaign_id,
            group_id=group_id,
            contact_ids=contacts,
            include_preference_tokens=include_preference_tokens,
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.IssueTokens, request, timeout)
        return _campaign_proto.issued_tokens(contacts, answer)
