"""Campaigns and tokens as they are on the wire."""

from collections.abc import Iterable, Sequence

from hushpost.v1 import campaign_pb2
from hushpost_client._campaign_types import (
    Campaign,
    IssuedToken,
    IssuedTokens,
    Link,
    NewLink,
)
from hushpost_client._errors import ErrorReason, InternalError
from hushpost_client._words_proto import ISSUE_WARNING, MODE, from_timestamp

__all__ = ["campaign", "group_messages", "issued_tokens", "link_messages"]


def link_messages(links: Iterable[NewLink | str]) -> list[campaign_pb2.Link]:
    """Convert links to register; a bare URL is a link without a label."""
    whole = (NewLink(link) if isinstance(link, str) else link for link in links)
    return [campaign_pb2.Link(url=link.url, label=link.label) for link in whole]


def group_messages(groups: Iterable[str]) -> list[campaign_pb2.Group]:
    """Convert groups to register."""
    return [campaign_pb2.Group(group_id=group_id) for group_id in groups]


def campaign(message: campaign_pb2.Campaign) -> Campaign:
    """Convert a campaign."""
    return Campaign(
        message.tenant_id,
        message.campaign_id,
        message.display_name,
        message.campaign_number,
        tuple(Link(link.link_number, link.url, link.label) for link in message.links),
        tuple(group.group_id for group in message.groups),
        from_timestamp(message.create_time),
        from_timestamp(message.close_time) if message.HasField("close_time") else None,
    )


def issued_tokens(
    contact_ids: Sequence[str], answer: campaign_pb2.IssueTokensResponse
) -> IssuedTokens:
    """Pair each token with its contact.

    Raises:
        InternalError: if the authority answered more or fewer tokens than asked
            for, because one contact's token must never reach another.
    """
    if len(answer.tokens) != len(contact_ids):
        raise InternalError(
            f"asked for {len(contact_ids)} tokens, was answered {len(answer.tokens)}",
            reason=ErrorReason.INTERNAL,
        )
    tokens = (
        IssuedToken(contact_id, MODE.word(issued.mode), issued.token, issued.preference_token)
        for contact_id, issued in zip(contact_ids, answer.tokens, strict=True)
    )
    return IssuedTokens(tuple(tokens), tuple(map(ISSUE_WARNING.word, answer.warnings)))
