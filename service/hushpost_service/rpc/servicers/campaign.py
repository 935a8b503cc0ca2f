"""CampaignService: campaigns, their links and groups, and tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import grpc

from hushpost.v1 import campaign_pb2 as pb
from hushpost.v1.campaign_pb2_grpc import CampaignServiceServicer
from hushpost_service.campaigns.issuing import TokenIssuer
from hushpost_service.campaigns.preview import ModePreview
from hushpost_service.campaigns.sender import Sender
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.domain.events import to_datetime, to_microseconds
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.ordering import checked_order_by
from hushpost_service.domain.searching import campaign_search_text, checked_search
from hushpost_service.domain.validation import checked_page_size, checked_request_id, converted
from hushpost_service.rpc.convert import enum_number, optional_enum_member, timestamp
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import (
    checked_skip,
    invalid_page_token,
    page_start,
    page_token,
    text_page_start,
    text_page_token,
)
from hushpost_service.storage.campaigns import (
    Campaign,
    CampaignOrder,
    CampaignPage,
    Link,
    NewGroup,
)
from hushpost_service.tokens.slot_permutation import DEFAULT_EXPECTED

__all__ = ["CampaignServicer"]

Context = grpc.aio.ServicerContext[Any, Any]


class CampaignServicer(CampaignServiceServicer):
    """Serves CampaignService."""

    def __init__(
        self, campaigns: Campaigns, token_issuer: TokenIssuer, mode_preview: ModePreview
    ) -> None:
        self._campaigns = campaigns
        self._token_issuer = token_issuer
        self._mode_preview = mode_preview

    async def CreateCampaign(
        self, request: pb.CreateCampaignRequest, context: Context
    ) -> pb.CreateCampaignResponse:
        """Create a campaign."""
        caller = current_caller()
        campaign, issue_key = await self._campaigns.create(
            caller.tenant(request.tenant_id),
            request.campaign_id,
            display_name=request.display_name,
            links=_links(request),
            groups=_groups(request),
            max_mode=_max_mode(request) or Mode.IDENTIFIED,
            message_html=request.message_html,
            sender=Sender(caller.key.number, caller.wrapping_secret),
            request=checked_request_id(request.request_id),
        )
        return pb.CreateCampaignResponse(
            campaign=_campaign(campaign, caller.key.tenant_id), issue_key=issue_key
        )

    async def ExtendCampaign(
        self, request: pb.ExtendCampaignRequest, context: Context
    ) -> pb.ExtendCampaignResponse:
        """Add links and groups to a campaign."""
        caller = current_caller()
        campaign = await self._campaigns.extend(
            caller.tenant(request.tenant_id),
            request.campaign_id,
            links=_links(request),
            groups=_groups(request),
            request=checked_request_id(request.request_id),
        )
        return pb.ExtendCampaignResponse(campaign=_campaign(campaign, caller.key.tenant_id))

    async def GetCampaign(
        self, request: pb.GetCampaignRequest, context: Context
    ) -> pb.GetCampaignResponse:
        """Return a campaign with its links and groups."""
        caller = current_caller()
        campaign = await self._campaigns.get(caller.tenant(request.tenant_id), request.campaign_id)
        return pb.GetCampaignResponse(campaign=_campaign(campaign, caller.key.tenant_id))

    async def ListCampaigns(
        self, request: pb.ListCampaignsRequest, context: Context
    ) -> pb.ListCampaignsResponse:
        """Return a page of the campaigns."""
        caller = current_caller()
        tenant = caller.tenant(request.tenant_id)
        size = checked_page_size(request.page_size)
        order = _order(request.order_by)
        found, total = await self._campaigns.list_campaigns(
            tenant,
            CampaignPage(
                limit=size + 1,
                order=order,
                search=checked_search(request.filter),
                after=_page_start(order, request.page_token),
                skip=checked_skip(request.skip),
            ),
        )
        page = found[:size]
        return pb.ListCampaignsResponse(
            campaigns=[_campaign(campaign, caller.key.tenant_id) for campaign in page],
            next_page_token=_page_token(order, page[-1]) if found[size:] else "",
            total_size=total,
        )

    async def GetCampaignMessage(
        self, request: pb.GetCampaignMessageRequest, context: Context
    ) -> pb.GetCampaignMessageResponse:
        """Return the HTML of a campaign's message."""
        html = await self._campaigns.message(
            current_caller().tenant(request.tenant_id), request.campaign_id
        )
        return pb.GetCampaignMessageResponse(html=html)

    async def CloseCampaign(
        self, request: pb.CloseCampaignRequest, context: Context
    ) -> pb.CloseCampaignResponse:
        """Close a campaign."""
        caller = current_caller()
        campaign = await self._campaigns.close(
            caller.tenant(request.tenant_id), request.campaign_id
        )
        return pb.CloseCampaignResponse(campaign=_campaign(campaign, caller.key.tenant_id))

    async def IssueTokens(
        self, request: pb.IssueTokensRequest, context: Context
    ) -> pb.IssueTokensResponse:
        """Issue the tokens of messages to contacts."""
        caller = current_caller()
        issued = await self._token_issuer.issue(
            caller.tenant(request.tenant_id),
            request.campaign_id,
            request.group_id,
            list(request.contact_ids),
            sender=Sender(caller.key.number, caller.wrapping_secret, request.issue_key),
            request=checked_request_id(request.request_id),
            with_preference_tokens=request.include_preference_tokens,
        )
        response = pb.IssueTokensResponse()
        # For speed: `add()` creates a message in place, where `append()` would copy one.
        # Assigning fields costs less than passing them to `add()`.
        add = response.tokens.add
        modes: Sequence[Any] = issued.modes  # numbers equal to those of the protobuf enum
        for mode, token in zip(modes, issued.tokens, strict=True):
            added = add()
            added.mode = mode
            added.token = token
        click_mode: Any
        for position, (click_mode, token) in issued.clicks.items():
            added = response.tokens[position]
            added.click_mode = click_mode
            added.click_token = token
        if request.include_preference_tokens:
            for added, token in zip(response.tokens, issued.preference_tokens, strict=True):
                added.preference_token = token
        return response

    async def PreviewModes(
        self, request: pb.PreviewModesRequest, context: Context
    ) -> pb.PreviewModesResponse:
        """Return the modes that messages would have."""
        modes = await self._mode_preview.preview(
            current_caller().tenant(request.tenant_id),
            request.campaign_id,
            request.group_id,
            list(request.contact_ids),
        )
        return pb.PreviewModesResponse(
            modes=[
                pb.MessageModes(
                    open_mode=enum_number(each.opens), click_mode=enum_number(each.clicks)
                )
                for each in modes
            ]
        )


def _links(request: pb.CreateCampaignRequest | pb.ExtendCampaignRequest) -> list[Link]:
    return [Link(link.url, link.label, link.link_number) for link in request.links]


def _groups(request: pb.CreateCampaignRequest | pb.ExtendCampaignRequest) -> list[NewGroup]:
    return converted(request.groups, _group)


def _group(message: pb.Group) -> NewGroup:
    return NewGroup(
        message.group_id, message.expected_messages or DEFAULT_EXPECTED, _max_mode(message)
    )


def _max_mode(message: pb.CreateCampaignRequest | pb.Group) -> Mode | None:
    return optional_enum_member(Mode, message.max_mode, "max_mode")


def _campaign(campaign: Campaign, tenant_id: str | None) -> pb.Campaign:
    return pb.Campaign(
        tenant_id=tenant_id or "",
        campaign_id=campaign.campaign_id,
        display_name=campaign.display_name,
        campaign_number=campaign.number,
        links=[
            pb.Link(link_number=link.number, url=link.url, label=link.label)
            for link in campaign.links
        ],
        groups=[
            pb.Group(group_id=group.group_id, max_mode=enum_number(group.max_mode))
            for group in campaign.groups
        ],
        create_time=timestamp(campaign.create_time),
        close_time=timestamp(campaign.close_time),
        max_mode=enum_number(campaign.max_mode),
    )


def _order(order_by: str) -> CampaignOrder:
    """Return the order of a list. Raises FIELD_INVALID."""
    order = checked_order_by(order_by, ("create_time", "display_name"))
    if order is None:
        return CampaignOrder.NEWEST
    if order.field == "create_time":
        return CampaignOrder.NEWEST if order.is_descending else CampaignOrder.OLDEST
    return CampaignOrder.NAME_DESCENDING if order.is_descending else CampaignOrder.NAME


def _page_start(order: CampaignOrder, token: str) -> tuple[datetime | str, int] | None:
    """Return the sorted value and the number of the last campaign of the page before."""
    if order.is_by_name:
        return text_page_start("campaigns_by_name", token)
    position = page_start("campaigns", token, count=2)
    if position is None:
        return None
    microseconds, number = position
    try:
        return to_datetime(microseconds), number
    except OverflowError:
        raise invalid_page_token() from None


def _page_token(order: CampaignOrder, campaign: Campaign) -> str:
    if order.is_by_name:
        text = campaign_search_text(campaign.display_name, campaign.campaign_id)
        return text_page_token("campaigns_by_name", campaign.number, text)
    return page_token("campaigns", to_microseconds(campaign.create_time), campaign.number)
