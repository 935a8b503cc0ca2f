"""The demo's campaign: a seed merchant's letter of spring."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import uuid4

from hushpost_client import Campaign, Hushpost, IssuedTokens, IssueWarning, Mode, NewLink
from hushpost_demo.contacts import Contact
from hushpost_demo.plan import Message

__all__ = ["LINKS", "create_campaign", "groups_of", "issue_tokens"]

LINKS = (
    NewLink("https://shop.example.com/", "header"),
    NewLink("https://shop.example.com/calendar?zone=7b&month=3", "sowing calendar"),
    NewLink("https://shop.example.com/offers/spring#tomatoes", "offer of the month"),
    NewLink("https://garden.example.com/kurse/aussaat-f%C3%BCr-alle", "workshops"),
    NewLink("https://shop.example.com/letter/archive", "footer"),
)

_TRUE = ("true", "1", "yes")


def groups_of(contacts: Iterable[Contact]) -> dict[str, list[Contact]]:
    """Return contacts by group, the groups by name."""
    groups: dict[str, list[Contact]] = {}
    for contact in sorted(contacts, key=lambda contact: contact.group):
        groups.setdefault(contact.group, []).append(contact)
    return groups


async def create_campaign(sender: Hushpost, groups: Iterable[str], now: datetime) -> Campaign:
    """Create a campaign with an id of its own."""
    local = now.astimezone(UTC)
    return await sender.campaigns.create_campaign(
        f"spring-{local:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        links=LINKS,
        groups=groups,
        display_name="Letter of spring",
    )


async def issue_tokens(
    sender: Hushpost, campaign: Campaign, groups: dict[str, list[Contact]]
) -> tuple[list[Message], list[str], list[str]]:
    """Issue tokens for all; return messages, groups with few anonymous, surprises.

    The first group's answer is taken to be lost and asked for again.
    """
    messages: list[Message] = []
    few: list[str] = []
    surprises: list[str] = []
    for place, (group, contacts) in enumerate(groups.items()):
        request_id = uuid4()
        for _ in range(2 if place == 0 else 1):
            issued = await sender.campaigns.issue_tokens(
                campaign.campaign_id,
                group,
                [contact.contact_id for contact in contacts],
                include_preference_tokens=True,
                request_id=request_id,
            )
        if IssueWarning.FEW_ANONYMOUS in issued.warnings:
            few.append(group)
        surprises += _wrong_modes(contacts, issued)
        messages += [
            Message(
                len(messages) + number,
                token.contact_id,
                group,
                token.mode,
                token.token,
                token.preference_token,
            )
            for number, token in enumerate(issued.tokens)
        ]
    return messages, few, surprises


def _wrong_modes(contacts: Iterable[Contact], issued: IssuedTokens) -> list[str]:
    """Compare the modes with what the file says, an empty cell being FALSE.

    Of contacts that the file says nothing of, somebody may have set the
    preference since, on kept data.
    """
    found = []
    for contact, token in zip(contacts, issued.tokens, strict=True):
        if contact.do_not_track is not None:
            is_true = contact.do_not_track.lower() in _TRUE
            expected = Mode.ANONYMOUS if is_true else Mode.IDENTIFIED
            if token.mode is not expected:
                found.append(
                    f"mode of a contact with doNotTrack {contact.do_not_track!r}: "
                    f"expected {expected}, answered {token.mode}"
                )
    return found
