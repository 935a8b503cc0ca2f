"""Compiles a message: takes it apart once and registers its campaign."""

from collections.abc import Iterable
from email.message import Message as MimeMessage
from typing import Any, overload
from uuid import UUID, uuid4

from hushpost_client import AlreadyExistsError, Hushpost, NewLink
from hushpost_client import Campaign as RegisteredCampaign
from hushpost_mail._campaign import Campaign
from hushpost_mail._mail import Mail
from hushpost_mail._parts import Parts
from hushpost_mail._prepare import prepare

__all__ = ["create_campaign"]


@overload
async def create_campaign(
    html: str | None,
    text: str | None = None,
    *,
    hushpost: Hushpost,
    tracking_url: str,
    campaign_id: str = "",
    groups: Iterable[str] = (),
    display_name: str = "",
    unsubscribe: str = "",
    tenant_id: str = "",
    request_id: UUID | str | None = None,
) -> Campaign[Parts[str]]: ...
@overload
async def create_campaign(
    html: bytes,
    text: bytes | None = None,
    *,
    hushpost: Hushpost,
    tracking_url: str,
    campaign_id: str = "",
    groups: Iterable[str] = (),
    display_name: str = "",
    unsubscribe: str = "",
    charset: str = "utf-8",
    tenant_id: str = "",
    request_id: UUID | str | None = None,
) -> Campaign[Parts[bytes]]: ...
@overload
async def create_campaign(
    html: MimeMessage,
    *,
    hushpost: Hushpost,
    tracking_url: str,
    campaign_id: str = "",
    groups: Iterable[str] = (),
    display_name: str = "",
    unsubscribe: str = "",
    tenant_id: str = "",
    request_id: UUID | str | None = None,
) -> Campaign[Mail]: ...


async def create_campaign(
    html: str | bytes | MimeMessage | None,
    text: str | bytes | None = None,
    *,
    hushpost: Hushpost,
    tracking_url: str,
    campaign_id: str = "",
    groups: Iterable[str] = (),
    display_name: str = "",
    unsubscribe: str = "",
    charset: str = "utf-8",
    tenant_id: str = "",
    request_id: UUID | str | None = None,
) -> Campaign[Any]:
    """Find the links of a message and register its campaign with them, once per campaign.

    A campaign that exists already with the same links is taken up, so that
    several processes can send one campaign, each having compiled it.

    Args:
        html: The HTML part, or the whole MIME message.
        text: The text part, of the same kind as the HTML part.
        hushpost: A client with a key of role SENDER.
        tracking_url: Address of the edge, to which `/c/…`, `/o/…` and `/p/…` are
            added: `https://t.example.com`.
        campaign_id: 1 to 128 bytes; empty: the authority makes one.
        groups: The groups that the campaign goes to.
        display_name: A name for people.
        unsubscribe: A `List-Unsubscribe` header that messages will get; links to
            its URLs are left alone, as are those of a MIME message's own header.
        charset: Of parts given as bytes.
        tenant_id: Empty: the key's.
        request_id: A UUID that makes a repeated registration count once; None for
            a fresh one.

    Raises:
        CampaignSourceError: for a message that can't be compiled.
        ValueError: for a `tracking_url` that is no plain http or https URL.
        HushpostError: as `create_campaign` does; CAMPAIGN_ALREADY_EXISTS if the
            campaign has other links than this message.
    """
    arguments: dict[str, Any] = {"tracking_url": tracking_url, "unsubscribe": unsubscribe}
    if not isinstance(html, MimeMessage):
        arguments |= {"text": text, "charset": charset}
    template = prepare(html, **arguments)
    registered = await _registered(
        hushpost,
        template.links,
        tuple(dict.fromkeys(groups)),
        campaign_id=campaign_id,
        display_name=display_name,
        tenant_id=tenant_id,
        request_id=request_id or uuid4(),
    )
    return Campaign(hushpost, registered.campaign_id, template, tenant_id)


async def _registered(
    hushpost: Hushpost,
    links: tuple[NewLink, ...],
    groups: tuple[str, ...],
    *,
    campaign_id: str,
    display_name: str,
    tenant_id: str,
    request_id: UUID | str,
) -> RegisteredCampaign:
    """Create the campaign, or take up the one there is."""
    try:
        return await hushpost.campaigns.create_campaign(
            campaign_id,
            links=links,
            groups=groups,
            display_name=display_name,
            tenant_id=tenant_id,
            request_id=request_id,
        )
    except AlreadyExistsError:
        there = await hushpost.campaigns.get_campaign(campaign_id, tenant_id=tenant_id)
        if not _has_links(there, links):
            raise
    missing = [group for group in groups if group not in set(there.groups)]
    if not missing:
        return there
    return await hushpost.campaigns.extend_campaign(
        campaign_id, groups=missing, tenant_id=tenant_id
    )


def _has_links(registered: RegisteredCampaign, links: tuple[NewLink, ...]) -> bool:
    """Answer whether a campaign's first links are those of a message, numbered alike."""
    known = registered.links[: len(links)]
    return [(link.link_number, link.url, link.label) for link in known] == [
        (number, link.url, link.label) for number, link in enumerate(links, 1)
    ]
