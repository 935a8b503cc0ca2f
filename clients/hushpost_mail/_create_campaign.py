"""Parses a message and registers its campaign with the authority."""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from email.message import Message as MimeMessage
from typing import Any, overload
from uuid import UUID

from hushpost_client import AlreadyExistsError, Hushpost, Mode, NewGroup, NewLink
from hushpost_client import Campaign as RegisteredCampaign
from hushpost_mail._campaign import Campaign
from hushpost_mail._html_and_text import Parts
from hushpost_mail._html_source import html_of
from hushpost_mail._mail import Mail
from hushpost_mail._parse_template import parse_template
from hushpost_mail._raw_message import RawMessage

__all__ = ["create_campaign"]

Groups = Mapping[str, int] | Iterable[NewGroup | str]


@overload
async def create_campaign(
    html: str | None,
    text: str | None = None,
    *,
    hushpost: Hushpost,
    tracking_url: str | None = None,
    campaign_id: str | None = None,
    groups: Groups = (),
    display_name: str | None = None,
    max_mode: Mode | None = None,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
    issue_key: bytes | None = None,
    keep_html: bool = False,
    tenant_id: str | None = None,
    request_id: UUID | str | None = None,
) -> Campaign[Parts[str]]: ...
@overload
async def create_campaign(
    html: bytes,
    text: bytes | None = None,
    *,
    hushpost: Hushpost,
    tracking_url: str | None = None,
    campaign_id: str | None = None,
    groups: Groups = (),
    display_name: str | None = None,
    max_mode: Mode | None = None,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
    charset: str = "utf-8",
    issue_key: bytes | None = None,
    keep_html: bool = False,
    tenant_id: str | None = None,
    request_id: UUID | str | None = None,
) -> Campaign[Parts[bytes]]: ...
@overload
async def create_campaign(
    html: MimeMessage | RawMessage,
    *,
    hushpost: Hushpost,
    tracking_url: str | None = None,
    campaign_id: str | None = None,
    groups: Groups = (),
    display_name: str | None = None,
    max_mode: Mode | None = None,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
    issue_key: bytes | None = None,
    keep_html: bool = False,
    tenant_id: str | None = None,
    request_id: UUID | str | None = None,
) -> Campaign[Mail]: ...


async def create_campaign(
    html: str | bytes | MimeMessage | RawMessage | None,
    text: str | bytes | None = None,
    *,
    hushpost: Hushpost,
    tracking_url: str | None = None,
    campaign_id: str | None = None,
    groups: Groups = (),
    display_name: str | None = None,
    max_mode: Mode | None = None,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
    charset: str = "utf-8",
    issue_key: bytes | None = None,
    keep_html: bool = False,
    tenant_id: str | None = None,
    request_id: UUID | str | None = None,
) -> Campaign[Any]:
    """Parse a message and register its links as a campaign, once per newsletter.

    If the campaign already exists with the same links, it is reused and missing
    groups are added. Several processes can therefore send one campaign: each of them
    calls `create_campaign` with the same message.

    Args:
        html: The HTML part, or a whole MIME message: `RawMessage` keeps its bytes, a message
            of the `email` package is serialized by it.
        text: The text part, of the same type as the HTML part.
        hushpost: A client whose API key has the role SENDER.
        tracking_url: The public URL of the edge, such as `https://t.example.com`;
            `/c/…`, `/o/…` and `/p/…` are appended to it. None for the default tracking domain
            of the tenant's policy.
        campaign_id: 1 to 128 bytes; None lets the authority generate one.
        groups: The recipient groups: ids with the number of recipients, such as
            `Counter(recipient.group_id for recipient in recipients)`, or `NewGroup`s; a
            string is the id of a group of unknown size. With the right size, anonymous
            counts take the least space.
        display_name: A human-readable name.
        max_mode: The most revealing mode that the messages may have; None for no limit.
            `NewGroup.max_mode` limits a single group.
        list_unsubscribe: The value of a `List-Unsubscribe` header that you will add to
            the messages. Links to its URLs are not tracked. The header of a MIME
            message is found without this.
        trap_link: Whether the HTML gets a link that people neither see nor reach. Clients that
            follow it are scanners, so the edge counts their clicks as those of machines.
        charset: The charset of parts that are bytes.
        issue_key: The `issue_key` of the campaign that another API key created. Needed
            once per API key.
        keep_html: Whether the authority stores the HTML of the template, so that reports can
            show a picture of the message (`Campaigns.get_campaign_message`). The template
            must contain nothing personal, and at most 1 MiB of HTML.
        tenant_id: None for the tenant of the key.
        request_id: An idempotency key for the registration; None generates one.

    Raises:
        CampaignSourceError: if the message cannot be tracked.
        ValueError: if `tracking_url` is not a plain http or https URL, or is None although the
            tenant has no default tracking domain.
        HushpostError: as `Campaigns.create_campaign`; CAMPAIGN_ALREADY_EXISTS if the
            campaign exists with other links, or with another `max_mode` than you give.
    """
    # A dict, because no single overload covers all types.
    options: dict[str, Any] = {"text": text, "charset": charset}
    if tracking_url is None:
        tracking_url = await _default_url(hushpost, tenant_id)
    template = parse_template(
        html,
        tracking_url=tracking_url,
        list_unsubscribe=list_unsubscribe,
        trap_link=trap_link,
        **options,
    )
    registered = await _create_or_reuse(
        hushpost,
        template.links,
        _distinct(groups),
        campaign_id=campaign_id,
        display_name=display_name,
        max_mode=max_mode,
        message_html=html_of(html, charset) if keep_html else None,
        tenant_id=tenant_id,
        request_id=request_id,
    )
    return Campaign(
        hushpost,
        registered.campaign_id,
        template,
        issue_key=issue_key or registered.issue_key,
        tenant_id=tenant_id,
    )


async def _default_url(hushpost: Hushpost, tenant_id: str | None) -> str:
    """Return the URL of the tenant's default tracking domain."""
    async with aclosing(hushpost.domains.list_tracking_domains(tenant_id=tenant_id)) as domains:
        async for domain in domains:
            if domain.is_default:
                return f"https://{domain.domain}"
    raise ValueError(
        "tracking_url is required: the tenant has no default tracking domain (set one with "
        "`hushpost policy set default_tracking_domain=...`)"
    )


def _distinct(groups: Groups) -> tuple[NewGroup, ...]:
    """Return groups without repetitions of an id."""
    if isinstance(groups, Mapping):
        groups = [NewGroup(group, expected_messages=size) for group, size in groups.items()]
    named = (NewGroup(group) if isinstance(group, str) else group for group in groups)
    return tuple({group.group_id: group for group in named}.values())


async def _create_or_reuse(
    hushpost: Hushpost,
    links: tuple[NewLink, ...],
    groups: tuple[NewGroup, ...],
    *,
    campaign_id: str | None,
    display_name: str | None,
    max_mode: Mode | None,
    message_html: str | None,
    tenant_id: str | None,
    request_id: UUID | str | None,
) -> RegisteredCampaign:
    try:
        return await hushpost.campaigns.create_campaign(
            campaign_id,
            links=links,
            groups=groups,
            display_name=display_name,
            max_mode=max_mode,
            message_html=message_html,
            tenant_id=tenant_id,
            request_id=request_id,
        )
    except AlreadyExistsError:
        if campaign_id is None:
            raise
        existing = await hushpost.campaigns.get_campaign(campaign_id, tenant_id=tenant_id)
        if not _starts_with_links(existing, links) or not _has_max_modes(
            existing, max_mode, groups
        ):
            raise
    missing_groups = [group for group in groups if group.group_id not in set(existing.groups)]
    if not missing_groups:
        return existing
    return await hushpost.campaigns.extend_campaign(
        campaign_id, groups=missing_groups, tenant_id=tenant_id
    )


def _starts_with_links(campaign: RegisteredCampaign, links: tuple[NewLink, ...]) -> bool:
    """Return whether the first links of a campaign equal `links`; it may have more."""
    registered = campaign.links[: len(links)]
    return [(link.link_number, link.url, link.label) for link in registered] == [
        (number, link.url, link.label) for number, link in enumerate(links, 1)
    ]


def _has_max_modes(
    campaign: RegisteredCampaign, max_mode: Mode | None, groups: tuple[NewGroup, ...]
) -> bool:
    """Return whether a campaign and its groups have the `max_mode`s that are given."""
    existing = campaign.group_max_modes
    return max_mode in (None, campaign.max_mode) and all(
        group.max_mode in (None, existing.get(group.group_id, group.max_mode)) for group in groups
    )
