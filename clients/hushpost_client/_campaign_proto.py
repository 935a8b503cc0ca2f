"""Converts campaigns and tokens to and from the wire."""

from collections.abc import Iterable, Sequence

from hushpost.v1 import campaign_pb2
from hushpost_client._campaign_types import (
    Campaign,
    CampaignPage,
    IssuedToken,
    IssuedTokens,
    Link,
    MessageModes,
    NewGroup,
    NewLink,
)
from hushpost_client._enums_proto import MODE, from_timestamp
from hushpost_client._errors import ErrorReason, InternalError

__all__ = [
    "campaign",
    "campaign_page",
    "group_messages",
    "issued_tokens",
    "link_messages",
    "message_modes",
]


def link_messages(links: Iterable[NewLink | str]) -> list[campaign_pb2.Link]:
    """Convert links to register; a string is a URL without a label."""
    new_links = (NewLink(link) if isinstance(link, str) else link for link in links)
    return [campaign_pb2.Link(url=link.url, label=link.label or "") for link in new_links]


def group_messages(groups: Iterable[NewGroup | str]) -> list[campaign_pb2.Group]:
    """Convert groups to register; a string is the id of a group of unknown size."""
    new_groups = (NewGroup(group) if isinstance(group, str) else group for group in groups)
    return [
        campaign_pb2.Group(
            group_id=group.group_id,
            expected_messages=group.expected_messages or 0,
            max_mode=MODE.to_wire(group.max_mode),
        )
        for group in new_groups
    ]


def campaign(message: campaign_pb2.Campaign, issue_key: bytes = b"") -> Campaign:
    """Convert a campaign."""
    return Campaign(
        tenant_id=message.tenant_id,
        campaign_id=message.campaign_id,
        display_name=message.display_name or None,
        campaign_number=message.campaign_number,
        links=tuple(map(_link, message.links)),
        groups=tuple(group.group_id for group in message.groups),
        create_time=from_timestamp(message.create_time),
        close_time=from_timestamp(message.close_time) if message.HasField("close_time") else None,
        max_mode=MODE.from_wire(message.max_mode),
        group_max_modes={
            group.group_id: MODE.from_wire(group.max_mode) for group in message.groups
        },
        issue_key=issue_key or None,
    )


def campaign_page(message: campaign_pb2.ListCampaignsResponse) -> CampaignPage:
    """Convert a page of campaigns."""
    return CampaignPage(
        items=tuple(map(campaign, message.campaigns)),
        next_page_token=message.next_page_token or None,
        total_size=message.total_size,
    )


def issued_tokens(
    contact_ids: Sequence[str], response: campaign_pb2.IssueTokensResponse
) -> IssuedTokens:
    """Pair each issued token with its contact.

    Raises:
        InternalError: if the number of tokens differs from the number of contacts,
            because then a contact could get the token of another.
    """
    _check_count("tokens", contact_ids, response.tokens)
    return IssuedTokens(tokens=tuple(map(_issued_token, contact_ids, response.tokens)))


def message_modes(
    contact_ids: Sequence[str], response: campaign_pb2.PreviewModesResponse
) -> tuple[MessageModes, ...]:
    """Pair the modes of each message with its contact.

    Raises:
        InternalError: if the number of messages differs from the number of contacts.
    """
    _check_count("modes", contact_ids, response.modes)
    return tuple(
        MessageModes(
            contact_id=contact_id,
            mode=MODE.from_wire(modes.open_mode),
            click_mode=MODE.from_wire(modes.click_mode),
        )
        for contact_id, modes in zip(contact_ids, response.modes, strict=True)
    )


def _check_count(what: str, requested: Sequence[str], got: Sequence[object]) -> None:
    if len(got) != len(requested):
        raise InternalError(
            f"requested {len(requested)} {what}, got {len(got)}", reason=ErrorReason.INTERNAL
        )


def _link(message: campaign_pb2.Link) -> Link:
    return Link(link_number=message.link_number, url=message.url, label=message.label or None)


def _issued_token(contact_id: str, message: campaign_pb2.IssuedToken) -> IssuedToken:
    mode, token = MODE.from_wire(message.mode), message.token or None
    has_click_token = bool(message.click_mode)
    return IssuedToken(
        contact_id=contact_id,
        mode=mode,
        token=token,
        preference_token=message.preference_token or None,
        click_mode=MODE.from_wire(message.click_mode) if has_click_token else mode,
        click_token=(message.click_token or None) if has_click_token else token,
    )
