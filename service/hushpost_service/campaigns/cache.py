"""Caches campaigns and policies, so that recording an event reads neither.

Only what never changes or only grows is cached of a campaign: its tenant, number and
creation time, its links and groups. A policy is cached with its version, which every
recording transaction compares with the database.
"""

from dataclasses import dataclass
from datetime import datetime

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import to_microseconds
from hushpost_service.domain.modes import ModeRule
from hushpost_service.domain.validation import is_id
from hushpost_service.storage import campaigns, tenants
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.tokens.codec import tenant_of

__all__ = ["CachedCampaign", "CampaignCache"]

_CAMPAIGNS = 10_000
_TENANTS = 10_000
_MAX_CAMPAIGN = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CachedCampaign:
    """A campaign; links and groups may have been added since it was read.

    Attributes:
        tenant: The number of its tenant.
        number: Its own number.
        create_time: When it was created.
        created: The same in microseconds since 1970.
        urls: `urls[n - 1]` is the URL of link n.
        groups: Group numbers by group id.
    """

    tenant: int
    number: int
    create_time: datetime
    created: int
    urls: tuple[str, ...]
    groups: dict[str, int]


class CampaignCache:
    """Looks up campaigns and policies in memory first, then in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._campaigns: BoundedCache[int, CachedCampaign] = BoundedCache(_CAMPAIGNS)
        self._numbers: BoundedCache[tuple[int, str], int] = BoundedCache(_CAMPAIGNS)
        self._rules: BoundedCache[int, tuple[int, ModeRule]] = BoundedCache(_TENANTS)

    def cached(self, number: int) -> CachedCampaign | None:
        """Return a campaign if it is cached."""
        return self._campaigns.get(number)

    async def read(self, number: int) -> CachedCampaign:
        """Read a campaign from the database and cache it. Raises CAMPAIGN_NOT_FOUND."""
        tenant = tenant_of(number)
        if number > _MAX_CAMPAIGN:
            raise _campaign_not_found()
        async with self._database.connection("read campaign") as connection:
            found = await campaigns.campaign(connection, tenant, number)
        if found is None:
            raise _campaign_not_found()
        campaign = CachedCampaign(
            tenant,
            number,
            found.create_time,
            to_microseconds(found.create_time),
            tuple(link.url for link in found.links),
            {group_id: group for group, group_id in enumerate(found.groups, 1)},
        )
        self._campaigns[number] = campaign
        return campaign

    async def get(self, number: int) -> CachedCampaign:
        """Return a campaign, from the cache if possible. Raises CAMPAIGN_NOT_FOUND."""
        return self.cached(number) or await self.read(number)

    async def url(self, number: int, link: int) -> str:
        """Return the URL of a link. Raises CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND."""
        campaign = self.cached(number)
        if campaign is None or link > len(campaign.urls):
            campaign = await self.read(number)
        if not 0 < link <= len(campaign.urls):
            raise HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link with that number")
        return campaign.urls[link - 1]

    async def group(self, number: int, group_id: str) -> int:
        """Return the number of a group. Raises CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND."""
        campaign = self.cached(number)
        if campaign is None or group_id not in campaign.groups:
            campaign = await self.read(number)
        if group_id not in campaign.groups:
            raise HushpostError(Reason.GROUP_NOT_FOUND, "the campaign has no such group")
        return campaign.groups[group_id]

    async def number(self, tenant: int, campaign_id: str) -> int:
        """Return the number of a tenant's campaign. Raises CAMPAIGN_NOT_FOUND."""
        number = self._numbers.get((tenant, campaign_id))
        if number is None:
            if not is_id(campaign_id):
                raise _campaign_not_found()
            async with self._database.connection("campaign number") as connection:
                number = await campaigns.campaign_number(connection, tenant, campaign_id)
            if number is None:
                raise _campaign_not_found()
            self._numbers[tenant, campaign_id] = number
        return number

    async def mode_rule(
        self, connection: Connection, tenant: int, version: int | None = None
    ) -> ModeRule:
        """Return a tenant's mode rule; read it unless the cached one has that version."""
        cached = self._rules.get(tenant)
        if cached is not None and cached[0] == version:
            return cached[1]
        current_version, periods = await tenants.policies(connection, tenant)
        rule = ModeRule(periods)
        self._rules[tenant] = (current_version, rule)
        return rule


def _campaign_not_found() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
