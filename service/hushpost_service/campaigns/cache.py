"""Caches campaigns and policies, so that recording an event reads neither.

Only what never changes or only grows is cached of a campaign: its tenant, number and
creation time, its links and groups. A policy is cached with the time at which it came into
force, which every recording transaction compares with the database. Not with its version:
a failover can lose a policy, and the next one then gets the same version.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hushpost_service.bounded_cache import BoundedCache, RecentMisses
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import to_microseconds
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.validation import is_id
from hushpost_service.storage import campaigns, tenants
from hushpost_service.storage.campaigns import Campaign
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.tokens.codec import tenant_of

__all__ = ["CachedCampaign", "CachedGroup", "CampaignCache", "campaign_not_found"]

_CAMPAIGNS = 10_000
_TENANTS = 10_000
_MAX_CAMPAIGN = 2**63 - 1
_MAX_TENANT = 2**23 - 1

_ABSENT_SECONDS = 1.0
"""How long a campaign that was not found is not looked up again. No token of a campaign
exists before the campaign does, so that only guessed numbers and campaigns that a restored
backup lacks are affected."""


@dataclass(frozen=True, slots=True)
class CachedGroup:
    """The number of a group, and the most revealing mode that its messages may have."""

    number: int
    max_mode: Mode


@dataclass(frozen=True, slots=True)
class CachedCampaign:
    """A campaign; links and groups may have been added since it was read.

    Attributes:
        tenant: The number of its tenant.
        number: Its own number.
        create_time: When it was created.
        created: The same in microseconds since 1970.
        urls: `urls[n - 1]` is the URL of link n.
        groups: Groups by group id.
    """

    tenant: int
    number: int
    create_time: datetime
    created: int
    urls: tuple[str, ...]
    groups: dict[str, CachedGroup]


class CampaignCache:
    """Looks up campaigns and policies in memory first, then in the database."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """Prepare an empty cache. `clock` returns seconds and is never set back."""
        self.tenants: set[int] = set()
        """Numbers of tenants that exist; see `find_tenants`."""
        self._database = database
        self._absent = RecentMisses(_CAMPAIGNS, _ABSENT_SECONDS, clock)
        self._campaigns: BoundedCache[int, CachedCampaign] = BoundedCache(_CAMPAIGNS)
        self._numbers: BoundedCache[tuple[int, str], int] = BoundedCache(_CAMPAIGNS)
        self._rules: BoundedCache[int, tuple[datetime, ModeRule]] = BoundedCache(_TENANTS)

    def cached(self, number: int) -> CachedCampaign | None:
        """Return a campaign if it is cached."""
        return self._campaigns.get(number)

    async def read(self, number: int) -> CachedCampaign:
        """Read a campaign from the database and cache it. Raises CAMPAIGN_NOT_FOUND."""
        found = await self._read_many([number])
        if number not in found:
            raise campaign_not_found()
        return found[number]

    async def get_many(self, links: Mapping[int, int]) -> dict[int, CachedCampaign]:
        """Return the campaigns that exist, with one query per tenant for uncached ones.

        Args:
            links: Campaign numbers, each with the link number that the campaign should have;
                if it has fewer links in the cache, it is read again.
        """
        found = {}
        missing = []
        for number, link in links.items():
            campaign = self._campaigns.get(number)
            if campaign is not None:
                found[number] = campaign
            if campaign is None or link > len(campaign.urls):
                missing.append(number)
        return found | await self._read_many(missing)

    async def _read_many(self, numbers: Iterable[int]) -> dict[int, CachedCampaign]:
        """Read campaigns from the database and cache them; return those that exist.

        Campaigns that were not found a moment ago are not looked up again.
        """
        by_tenant: defaultdict[int, list[int]] = defaultdict(list)
        for number in numbers:
            if number <= _MAX_CAMPAIGN and number not in self._absent:
                by_tenant[tenant_of(number)].append(number)
        found: dict[int, CachedCampaign] = {}
        for tenant, of_tenant in by_tenant.items():
            async with self._database.connection("read campaigns") as connection:
                rows = await campaigns.campaigns_by_number(connection, tenant, of_tenant)
            found |= {number: _cached(tenant, campaign) for number, campaign in rows.items()}
            self._absent.add(number for number in of_tenant if number not in rows)
        for number, campaign in found.items():
            self._campaigns[number] = campaign
        return found

    async def find_tenants(self, numbers: Iterable[int]) -> bool:
        """Add those of the numbers to `tenants` that are tenants; return whether any is."""
        unknown = [number for number in numbers if number <= _MAX_TENANT]
        if not unknown:
            return False
        async with self._database.connection("find tenants") as connection:
            found = await tenants.existing_tenants(connection, unknown)
        self.tenants |= found
        return bool(found)

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

    async def group(self, number: int, group_id: str) -> CachedGroup:
        """Return a group of a campaign. Raises CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND."""
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
                raise campaign_not_found()
            async with self._database.connection("campaign number") as connection:
                number = await campaigns.campaign_number(connection, tenant, campaign_id)
            if number is None:
                raise campaign_not_found()
            self._numbers[tenant, campaign_id] = number
        return number

    def clear(self) -> None:
        """Forget everything; the next use of each campaign and policy reads it again."""
        self.tenants.clear()
        self._campaigns.clear()
        self._numbers.clear()
        self._rules.clear()

    async def mode_rule(
        self, connection: Connection, tenant: int, start: datetime | None = None
    ) -> ModeRule:
        """Return a tenant's mode rule; read it unless the cached one has that start."""
        cached = self._rules.get(tenant)
        if cached is not None and cached[0] == start:
            return cached[1]
        periods = await tenants.policies(connection, tenant)
        rule = ModeRule(periods)
        self._rules[tenant] = (periods[-1].valid_from, rule)
        return rule


def _cached(tenant: int, campaign: Campaign) -> CachedCampaign:
    return CachedCampaign(
        tenant,
        campaign.number,
        campaign.create_time,
        to_microseconds(campaign.create_time),
        tuple(link.url for link in campaign.links),
        {
            group.group_id: CachedGroup(group_number, max(campaign.max_mode, group.max_mode))
            for group_number, group in enumerate(campaign.groups, 1)
        },
    )


def campaign_not_found() -> HushpostError:
    """Return the error for a campaign that does not exist."""
    return HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
