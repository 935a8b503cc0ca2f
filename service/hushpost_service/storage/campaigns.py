"""Queries about campaigns: links, groups, messages sent."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.modes import Mode, Policy
from hushpost_service.domain.searching import campaign_search_text
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import campaigns as sql

__all__ = [
    "Campaign",
    "CampaignOrder",
    "CampaignPage",
    "Group",
    "Link",
    "LinkRevision",
    "NewGroup",
    "add_groups",
    "add_links",
    "add_sent",
    "campaign",
    "campaign_number",
    "campaigns_by_number",
    "close_campaign",
    "count_campaigns",
    "insert_campaign",
    "insert_message",
    "is_closed",
    "last_revision",
    "links_of_tenants_since",
    "links_since",
    "list_campaigns",
    "lock_campaign",
    "message",
    "start",
]

_LINKS_LOCK = 0x4855_534C
"""Advisory lock that serializes the registration of links ("HUSL")."""


@dataclass(frozen=True, slots=True)
class Link:
    """A destination URL of a campaign. `number` is 1…n, or 0 before it is assigned."""

    url: str
    label: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to add.

    Attributes:
        group_id: The tenant's id.
        expected_messages: How many messages the sender expects it to get.
        max_mode: The most revealing mode that its messages may have; None if not given.
    """

    group_id: str
    expected_messages: int
    max_mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a campaign, and the most revealing mode that its messages may have."""

    group_id: str
    max_mode: Mode = Mode.IDENTIFIED


@dataclass(frozen=True, slots=True)
class LinkRevision:
    """A link, and its position in the order in which all links were registered."""

    campaign: int
    number: int
    url: str
    revision: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """One mailing. `groups[0]` is group 1. Lists leave out links and groups.

    `max_mode` is the most revealing mode that its messages may have, in all groups.
    """

    number: int
    campaign_id: str
    display_name: str
    create_time: datetime
    close_time: datetime | None
    max_mode: Mode
    links: tuple[Link, ...] = ()
    groups: tuple[Group, ...] = ()


class CampaignOrder(Enum):
    """The order of a list of campaigns."""

    NEWEST = sql.NEWEST_CAMPAIGNS
    OLDEST = sql.OLDEST_CAMPAIGNS
    NAME = sql.CAMPAIGNS_BY_NAME
    NAME_DESCENDING = sql.CAMPAIGNS_BY_NAME_DESC

    @property
    def is_by_name(self) -> bool:
        """Whether the sorted value is the `search_text`, not the creation time."""
        return self in (CampaignOrder.NAME, CampaignOrder.NAME_DESCENDING)


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """Which campaigns to list.

    Attributes:
        limit: The page size.
        order: The order.
        search: A text that the `search_text` must contain, case-folded.
        after: The sorted value and the number of the last campaign of the page before.
        skip: The number of campaigns to leave out before the page.
    """

    limit: int
    order: CampaignOrder = CampaignOrder.NEWEST
    search: str = ""
    after: tuple[datetime | str, int] | None = None
    skip: int = 0


async def insert_campaign(
    connection: Connection,
    tenant: int,
    number: int,
    campaign_id: str,
    display_name: str,
    max_mode: Mode,
    policy: Policy,
    issue_key_digest: bytes,
) -> bool:
    """Insert a campaign with the policy's settings of releases.

    Returns False if its id or number is taken.
    """
    row = await connection.fetchrow(
        sql.INSERT_CAMPAIGN,
        tenant,
        number,
        campaign_id,
        display_name,
        policy.release,
        policy.epsilon,
        policy.release_delays,
        issue_key_digest,
        max_mode,
        campaign_search_text(display_name, campaign_id),
    )
    return row is not None


async def insert_message(connection: Connection, tenant: int, number: int, html: str) -> None:
    """Insert the HTML of a campaign's message."""
    await connection.execute(sql.INSERT_MESSAGE, tenant, number, html)


async def message(connection: Connection, tenant: int, number: int) -> str | None:
    """Return the HTML of a campaign's message, or None."""
    html: str | None = await connection.fetchval(sql.MESSAGE, tenant, number)
    return html


async def start(connection: Connection, tenant: int, number: int, now: datetime) -> None:
    """Start the campaign's schedule of releases with its first message, unless it has started."""
    await connection.execute(sql.START, tenant, number, now)


async def add_links(
    connection: Connection, tenant: int, number: int, links: Sequence[Link]
) -> None:
    """Add links. Others that add links, to any campaign, wait for the commit."""
    await connection.execute(sql.LOCK_LINKS.format(lock=_LINKS_LOCK))
    await connection.execute(sql.ADVANCE_REVISIONS)
    urls = [link.url for link in links]
    labels = [link.label for link in links]
    await connection.execute(sql.INSERT_LINKS, tenant, number, urls, labels)


async def add_groups(
    connection: Connection, tenant: int, number: int, groups: Sequence[NewGroup]
) -> None:
    """Add the groups that the campaign does not have yet."""
    ids = [group.group_id for group in groups]
    expected = [group.expected_messages for group in groups]
    max_modes = [group.max_mode or Mode.IDENTIFIED for group in groups]
    await connection.execute(sql.INSERT_GROUPS, tenant, number, ids, expected, max_modes)


async def lock_campaign(connection: Connection, tenant: int, number: int) -> bool:
    """Lock the campaign against changes until the commit; return whether it is closed."""
    return await connection.fetchval(sql.LOCK_CAMPAIGN, tenant, number) is not None


async def is_closed(connection: Connection, tenant: int, number: int) -> bool:
    """Return whether the campaign is closed."""
    return await connection.fetchval(sql.CLOSE_TIME, tenant, number) is not None


async def campaign_number(connection: Connection, tenant: int, campaign_id: str) -> int | None:
    """Return the number of a campaign by id, or None."""
    number: int | None = await connection.fetchval(sql.CAMPAIGN_NUMBER, tenant, campaign_id)
    return number


async def campaign(connection: Connection, tenant: int, number: int) -> Campaign | None:
    """Return a campaign by number, with its links and groups, or None."""
    return (await campaigns_by_number(connection, tenant, [number])).get(number)


async def campaigns_by_number(
    connection: Connection, tenant: int, numbers: Sequence[int]
) -> dict[int, Campaign]:
    """Return campaigns with their links and groups; those that do not exist are left out."""
    rows = await connection.fetch(sql.CAMPAIGNS, tenant, numbers)
    if not rows:
        return {}
    links: defaultdict[int, list[Link]] = defaultdict(list)
    for number, link, url, label in await connection.fetch(sql.LINKS, tenant, numbers):
        links[number].append(Link(url, label, link))
    groups: defaultdict[int, list[Group]] = defaultdict(list)
    for number, group_id, max_mode in await connection.fetch(sql.GROUPS, tenant, numbers):
        groups[number].append(Group(group_id, Mode(max_mode)))
    return {
        found.number: replace(
            found, links=tuple(links[found.number]), groups=tuple(groups[found.number])
        )
        for found in map(_campaign, rows)
    }


async def list_campaigns(connection: Connection, tenant: int, page: CampaignPage) -> list[Campaign]:
    """Return a page of campaigns, without links and groups."""
    value, number = page.after or (None, None)
    rows = await connection.fetch(
        page.order.value, tenant, value, number, page.search, page.skip, page.limit
    )
    return [_campaign(row) for row in rows]


async def count_campaigns(connection: Connection, tenant: int, search: str) -> int:
    """Return the number of campaigns whose `search_text` contains a text."""
    count: int = await connection.fetchval(sql.COUNT_CAMPAIGNS, tenant, search)
    return count


def _campaign(row: Any) -> Campaign:
    number, campaign_id, display_name, create_time, close_time, max_mode = row
    return Campaign(number, campaign_id, display_name, create_time, close_time, Mode(max_mode))


async def close_campaign(connection: Connection, tenant: int, number: int) -> None:
    """Close a campaign, unless it is closed already."""
    await connection.execute(sql.CLOSE_CAMPAIGN, tenant, number)


async def links_since(connection: Connection, revision: int, limit: int) -> list[LinkRevision]:
    """Return links of all tenants registered after a revision, in that order."""
    rows = await connection.fetch(sql.LINKS_SINCE, revision, limit)
    return [LinkRevision(*row) for row in rows]


async def links_of_tenants_since(
    connection: Connection, revision: int, limit: int, tenants: Collection[int]
) -> list[LinkRevision]:
    """Return links of some tenants registered after a revision, in that order."""
    rows = await connection.fetch(sql.LINKS_OF_TENANTS_SINCE, revision, limit, list(tenants))
    return [LinkRevision(*row) for row in rows]


async def last_revision(connection: Connection) -> int:
    """Return the highest revision of any link, or 0."""
    revision: int = await connection.fetchval(sql.LAST_REVISION)
    return revision


async def add_sent(
    connection: Connection,
    tenant: int,
    number: int,
    group: int,
    hour: int,
    messages: Mapping[tuple[Purpose, Mode], int],
) -> None:
    """Add to the messages sent to a group, by mode of each purpose.

    `hour` counts from 1970-01-01T00Z.
    """
    purposes, modes = zip(*messages, strict=True)
    counts = list(messages.values())
    await connection.execute(sql.ADD_SENT, tenant, number, group, hour, purposes, modes, counts)
