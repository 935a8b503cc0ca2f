"""Campaigns, their links, and the tokens of their messages."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime

from hushpost_client._enums import Mode

__all__ = [
    "Campaign",
    "CampaignPage",
    "IssuedToken",
    "IssuedTokens",
    "Link",
    "MessageModes",
    "NewGroup",
    "NewLink",
]


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to register.

    Attributes:
        url: An absolute http or https URL of at most 8,192 bytes.
        label: The place of the link in the message, such as "header"; at most
            128 bytes.
    """

    url: str
    _: KW_ONLY
    label: str | None = None


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to register.

    Attributes:
        group_id: 1 to 128 bytes.
        expected_messages: How many messages the group will get at most; None means
            16,384. Someone who reads the authority's database can tell the messages
            beyond that number from the earlier ones. A message counts as two if its
            opens are IDENTIFIED and its clicks ANONYMOUS, or the other way round.
        max_mode: The most revealing mode that its messages may have, such as
            `Mode.AGGREGATE` for a mailing to minors; None means no limit. It cannot be
            changed.
    """

    group_id: str
    _: KW_ONLY
    expected_messages: int | None = None
    max_mode: Mode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A registered link of a campaign.

    Attributes:
        link_number: 1…n in the campaign.
        url: The destination, byte for byte as registered.
        label: The place of the link in the message, or None.
    """

    link_number: int
    url: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A mailing.

    Attributes:
        tenant_id: The tenant that owns it.
        campaign_id: The id that the tenant gave it, or that the authority generated.
        display_name: A human-readable name, or None.
        campaign_number: The number that its tokens contain.
        links: Its links by number; empty in `Campaigns.list_campaigns`.
        groups: The ids of its groups, in the order they were added; empty in
            `Campaigns.list_campaigns`.
        create_time: When it was created, UTC.
        close_time: When it was closed, UTC; None while it is open.
        max_mode: The most revealing mode that its messages may have; None for a mode
            that this version of the client does not know.
        group_max_modes: The same of each group, by group id. The stricter one counts.
        issue_key: The secret that other API keys of the tenant must pass to
            `issue_tokens` once. Only `create_campaign` returns it.
    """

    tenant_id: str
    campaign_id: str
    display_name: str | None
    campaign_number: int
    links: tuple[Link, ...]
    groups: tuple[str, ...]
    create_time: datetime
    close_time: datetime | None
    max_mode: Mode | None
    group_max_modes: Mapping[str, Mode | None] = field(hash=False)
    issue_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """A page of campaigns.

    Attributes:
        items: The campaigns, without links and groups.
        next_page_token: Pass as `page_token` to get the next page; None on the last page.
        total_size: How many campaigns match the filter, on all pages.
    """

    items: tuple[Campaign, ...]
    next_page_token: str | None
    total_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """The tokens of one message. `token` and `click_token` are equal for most messages.

    Attributes:
        contact_id: The recipient of the message.
        mode: The tracking mode of the message's opens; None for a mode that this version
            of the client does not know.
        token: The token for the pixel, 56 characters of base64url; None for no pixel.
            With mode OFF, it updates the date of the contact's last open and nothing
            else; see `Policy.record_last_opens`.
        preference_token: The token for the contact's preference page; None
            unless requested.
        click_mode: The tracking mode of the message's clicks; like `mode`.
        click_token: The token for all links; None for unchanged links.
    """

    contact_id: str
    mode: Mode | None
    token: str | None
    preference_token: str | None
    click_mode: Mode | None
    click_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTokens:
    """The result of `Campaigns.issue_tokens`.

    Attributes:
        tokens: One per contact, in the order of the request.
    """

    tokens: tuple[IssuedToken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageModes:
    """The modes that a contact's message would have; from `Campaigns.preview_modes`.

    Attributes:
        contact_id: The contact.
        mode: The mode of opens; None for a mode that this version of the client does not
            know.
        click_mode: The mode of clicks.
    """

    contact_id: str
    mode: Mode | None
    click_mode: Mode | None
