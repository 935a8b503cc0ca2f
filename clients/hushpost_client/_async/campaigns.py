"""Campaigns and their tokens."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from uuid import UUID

from grpc.aio import Channel

from hushpost.v1 import campaign_pb2
from hushpost.v1.campaign_pb2_grpc import CampaignServiceStub
from hushpost_client import _campaign_proto
from hushpost_client._async.calls import Calls, request_id_or_new
from hushpost_client._campaign_types import (
    Campaign,
    CampaignPage,
    IssuedTokens,
    MessageModes,
    NewGroup,
    NewLink,
)
from hushpost_client._enums import Mode
from hushpost_client._enums_proto import MODE

__all__ = ["Campaigns"]


class Campaigns:
    """Registers campaigns and issues their tokens. Requires a key of role SENDER.

    Keys of role REPORTER may call `get_campaign`, `get_campaign_message`, `list_campaigns`
    and `campaigns_page`. These arguments are the same in all methods:

    - `tenant_id`: the tenant to act on; None for the key's own.
    - `request_id`: a UUID that makes a repeated write count once (an idempotency key);
      None generates one.
    - `timeout`: seconds, including retries; None for the client's timeout.

    All methods raise `HushpostError`. Their docstrings list the reasons to expect;
    TENANT_NOT_ALLOWED and DATABASE_UNAVAILABLE are possible everywhere.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = CampaignServiceStub(channel)
        self._calls = calls

    async def create_campaign(
        self,
        campaign_id: str | None = None,
        *,
        links: Iterable[NewLink | str] = (),
        groups: Iterable[NewGroup | str] = (),
        display_name: str | None = None,
        max_mode: Mode | None = None,
        message_html: str | None = None,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Campaign:
        """Create a campaign with its links and groups.

        Args:
            campaign_id: 1 to 128 bytes of UTF-8; None lets the authority generate one.
            links: At most 10,000, numbered 1…n in this order; a string is a URL
                without a label.
            groups: At most 10,000 with distinct ids; a string is the id of a group of
                unknown size.
            display_name: A human-readable name of at most 256 bytes.
            max_mode: The most revealing mode that its messages may have, such as
                `Mode.AGGREGATE` for a mailing to minors; None means no limit. It cannot
                be changed. `NewGroup.max_mode` limits a single group.
            message_html: The HTML of the message, for pictures of it in reports: at most
                1 MiB of UTF-8, without anything personal. It cannot be changed.
            tenant_id: The tenant of the campaign; None for the key's own.
            request_id: A random UUID for this request only; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: ID_INVALID, FIELD_INVALID, LINK_URL_INVALID (metadata `index`),
        LIMIT_EXCEEDED, CAMPAIGN_ALREADY_EXISTS, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
        """
        request = campaign_pb2.CreateCampaignRequest(
            tenant_id=tenant_id or "",
            campaign_id=campaign_id or "",
            display_name=display_name or "",
            links=_campaign_proto.link_messages(links),
            groups=_campaign_proto.group_messages(groups),
            max_mode=MODE.to_wire(max_mode),
            message_html=message_html or "",
            request_id=request_id_or_new(request_id),
        )
        response = await self._calls.unary(self._stub.CreateCampaign, request, timeout)
        return _campaign_proto.campaign(response.campaign, response.issue_key)

    async def extend_campaign(
        self,
        campaign_id: str,
        *,
        links: Iterable[NewLink | str] = (),
        groups: Iterable[NewGroup | str] = (),
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Campaign:
        """Add links and groups to an open campaign; return the whole campaign.

        New links are numbered after the existing ones. Groups that exist are left as
        they are; FIELD_INVALID if one has another `max_mode` than you give.

        Reasons: those of `create_campaign` except CAMPAIGN_ALREADY_EXISTS;
        CAMPAIGN_NOT_FOUND, CAMPAIGN_CLOSED.
        """
        request = campaign_pb2.ExtendCampaignRequest(
            tenant_id=tenant_id or "",
            campaign_id=campaign_id,
            links=_campaign_proto.link_messages(links),
            groups=_campaign_proto.group_messages(groups),
            request_id=request_id_or_new(request_id),
        )
        response = await self._calls.unary(self._stub.ExtendCampaign, request, timeout)
        return _campaign_proto.campaign(response.campaign)

    async def get_campaign(
        self, campaign_id: str, *, tenant_id: str | None = None, timeout: float | None = None
    ) -> Campaign:
        """Return a campaign with its links and groups.

        Reasons: CAMPAIGN_NOT_FOUND.
        """
        request = campaign_pb2.GetCampaignRequest(
            tenant_id=tenant_id or "", campaign_id=campaign_id
        )
        response = await self._calls.unary(self._stub.GetCampaign, request, timeout)
        return _campaign_proto.campaign(response.campaign)

    async def get_campaign_message(
        self, campaign_id: str, *, tenant_id: str | None = None, timeout: float | None = None
    ) -> str:
        """Return the HTML of a campaign's message: `create_campaign`'s `message_html`.

        Treat it as untrusted when you show it.

        Reasons: CAMPAIGN_NOT_FOUND, CAMPAIGN_MESSAGE_NOT_FOUND.
        """
        request = campaign_pb2.GetCampaignMessageRequest(
            tenant_id=tenant_id or "", campaign_id=campaign_id
        )
        return (await self._calls.unary(self._stub.GetCampaignMessage, request, timeout)).html

    async def list_campaigns(
        self,
        *,
        filter: str | None = None,  # noqa: A002 - the name of the field
        order_by: str | None = None,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[Campaign, None]:
        """Iterate over the tenant's campaigns, without links and groups.

        Pages are fetched on demand.

        Args:
            filter: Only campaigns whose id or display name contains this text; upper and
                lower case are the same. None for all.
            order_by: "create_time desc", "create_time", "display_name" or
                "display_name desc"; None for the newest first.
            page_size: At most 1,000; None for 100.
            tenant_id: The tenant; None for the key's own.
            timeout: Seconds for each page; None for the client's timeout.

        Reasons: FIELD_INVALID, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> campaign_pb2.ListCampaignsResponse:
            request = campaign_pb2.ListCampaignsRequest(
                tenant_id=tenant_id or "",
                filter=filter or "",
                order_by=order_by or "",
                page_size=page_size or 0,
                page_token=page_token,
            )
            return await self._calls.unary(self._stub.ListCampaigns, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for message in page.campaigns:
                    yield _campaign_proto.campaign(message)

    async def campaigns_page(
        self,
        *,
        filter: str | None = None,  # noqa: A002 - the name of the field
        order_by: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        skip: int = 0,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> CampaignPage:
        """Return one page of what `list_campaigns` iterates over.

        Args:
            filter: As in `list_campaigns`.
            order_by: As in `list_campaigns`.
            page_size: At most 1,000; None for 100.
            page_token: The `next_page_token` of the page before, with the same filter and
                order; None for the first page.
            skip: How many campaigns to leave out before the page.
            tenant_id: The tenant; None for the key's own.
            timeout: Seconds; None for the client's timeout.

        Reasons: FIELD_INVALID, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID.
        """
        request = campaign_pb2.ListCampaignsRequest(
            tenant_id=tenant_id or "",
            filter=filter or "",
            order_by=order_by or "",
            page_size=page_size or 0,
            page_token=page_token or "",
            skip=skip,
        )
        response = await self._calls.unary(self._stub.ListCampaigns, request, timeout)
        return _campaign_proto.campaign_page(response)

    async def close_campaign(
        self, campaign_id: str, *, tenant_id: str | None = None, timeout: float | None = None
    ) -> Campaign:
        """Close a campaign, so that it gets no more links, groups or tokens.

        Its events are still recorded and its links still redirect. Closing a closed
        campaign has no effect.

        Reasons: CAMPAIGN_NOT_FOUND.
        """
        request = campaign_pb2.CloseCampaignRequest(
            tenant_id=tenant_id or "", campaign_id=campaign_id
        )
        response = await self._calls.unary(self._stub.CloseCampaign, request, timeout)
        return _campaign_proto.campaign(response.campaign)

    async def issue_tokens(
        self,
        campaign_id: str,
        group_id: str,
        contact_ids: Iterable[str],
        *,
        include_preference_tokens: bool = False,
        issue_key: bytes | None = None,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> IssuedTokens:
        """Issue the tokens of one message per contact, for 1 to 10,000 contacts of one group.

        Counts one sent message per contact, once per `request_id`. Creates unknown
        contacts as UNSET. Repeating the call returns the same tokens. A contact that was
        issued to in the campaign before gets a message in mode AGGREGATE, so that it never
        counts as several people. Where opens and clicks have different modes, each has a
        token.

        Args:
            campaign_id: The campaign.
            group_id: A group of the campaign.
            contact_ids: 1 to 128 bytes of UTF-8 each. A contact that occurs twice gets
                two messages, the second in mode AGGREGATE.
            include_preference_tokens: Whether to issue tokens for the contacts'
                preference pages too.
            issue_key: The `issue_key` of the created campaign; needed once by API keys
                other than the one that created the campaign.
            tenant_id: The tenant of the campaign; None for the key's own.
            request_id: A random UUID for this request only; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, CAMPAIGN_CLOSED,
        ISSUE_KEY_REQUIRED, ISSUE_KEY_INVALID, LIMIT_EXCEEDED, BATCH_EMPTY,
        BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata `index`), REQUEST_ID_INVALID,
        REQUEST_ID_REUSED.
        """
        contacts = tuple(contact_ids)
        request = campaign_pb2.IssueTokensRequest(
            tenant_id=tenant_id or "",
            campaign_id=campaign_id,
            group_id=group_id,
            contact_ids=contacts,
            include_preference_tokens=include_preference_tokens,
            issue_key=issue_key or b"",
            request_id=request_id_or_new(request_id),
        )
        response = await self._calls.unary(self._stub.IssueTokens, request, timeout)
        return _campaign_proto.issued_tokens(contacts, response)

    async def preview_modes(
        self,
        contact_ids: Iterable[str],
        *,
        campaign_id: str | None = None,
        group_id: str | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> tuple[MessageModes, ...]:
        """Return the modes that the first messages to some contacts would have now.

        Issues nothing, counts nothing as sent and creates no contacts. The limit of ANONYMOUS
        messages (`Policy.max_anonymous_messages`) is not applied.

        Args:
            contact_ids: 1 to 10,000 contacts. Those that the authority does not know have
                not decided.
            campaign_id: The campaign; None for one that would be created now.
            group_id: The group of the campaign; None without a campaign.
            tenant_id: The tenant of the contacts; None for the key's own.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, BATCH_EMPTY, BATCH_TOO_LARGE,
        CONTACT_ID_INVALID (metadata `index`), FIELD_INVALID.
        """
        contacts = tuple(contact_ids)
        request = campaign_pb2.PreviewModesRequest(
            tenant_id=tenant_id or "",
            campaign_id=campaign_id or "",
            group_id=group_id or "",
            contact_ids=contacts,
        )
        response = await self._calls.unary(self._stub.PreviewModes, request, timeout)
        return _campaign_proto.message_modes(contacts, response)
