"""Campaigns, their links, and the tokens of their mail."""

from dataclasses import dataclass
from datetime import datetime

from hushpost_client._words import IssueWarning, Mode

__all__ = ["Campaign", "IssuedToken", "IssuedTokens", "Link", "NewLink"]


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to register.

    Attributes:
        url: An absolute http or https URL of at most 8,192 bytes.
        label: Where it stands in the mail, in the sender's words ("header").
    """

    url: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One destination of a campaign.

    Attributes:
        link_number: 1…n in the campaign.
        url: The destination, to the byte.
        label: Where it stands in the mail, in the sender's words.
    """

    link_number: int
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """One mailing.

    Attributes:
        tenant_id: Whose it is.
        campaign_id: The tenant's id of it.
        display_name: A name for people.
        campaign_number: The number that stands in its tokens.
        links: By number; empty in a list of campaigns.
        groups: The ids of its groups, as added; empty in a list of campaigns.
        create_time: When it was created, UTC.
        close_time: When it was closed, UTC; None while it is open.
    """

    tenant_id: str
    campaign_id: str
    display_name: str
    campaign_number: int
    links: tuple[Link, ...]
    groups: tuple[str, ...]
    create_time: datetime
    close_time: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """What one message carries.

    Attributes:
        contact_id: Whose message it is.
        mode: The contact's mode for this message.
        token: 56 characters of base64url, for the pixel and all links; empty
            when the mode is OFF.
        preference_token: For the contact's preference page; empty unless asked
            for.
    """

    contact_id: str
    mode: Mode
    token: str
    preference_token: str


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """The tokens of some contacts.

    Attributes:
        tokens: One per contact, in the order asked for.
        warnings: What the sender should know.
    """

    tokens: tuple[IssuedToken, ...]
    warnings: tuple[IssueWarning, ...]
