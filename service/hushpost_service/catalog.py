"""What is known of campaigns and policies, kept in memory.

Of a campaign only what never changes or only grows: its tenant, id and time,
its links and groups. Of policies the whole history, by version.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hushpost_service.errors import HushpostError, Reason
from hushpost_service.events import microseconds
from hushpost_service.identifiers import is_id
from hushpost_service.memory import Memory
from hushpost_service.policy import ModeRule
from hushpost_service.storage import campaigns, tenants
from hushpost_service.storage.database import Database
from hushpost_service.token import tenant_of

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = ["CampaignFacts", "Catalog"]

_CAMPAIGNS = 10_000
_TENANTS = 10_000
_MAX_CAMPAIGN = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What never changes of a campaign, and links and groups as last seen.

    `created` is `create_time` in microseconds since 1970; `urls[n - 1]` is where
    link n leads; `groups` are numbers by id.
    """

    tenant: int
    number: int
    create_time: datetime
    created: int
    urls: tuple[str, ...]
    groups: dict[str, int]


class Catalog:
    """Remembers campaigns and policies, and asks the database for what is new."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._campaigns: Memory[int, CampaignFacts] = Memory(_CAMPAIGNS)
        self._numbers: Memory[tuple[int, str], int] = Memory(_CAMPAIGNS)
        self._rules: Memory[int, tuple[int, ModeRule]] = Memory(_TENANTS)

    def known(self, campaign: int) -> CampaignFacts | None:
        """Return what is remembered of a campaign."""
        return self._campaigns.get(campaign)

    async def look_up(self, campaign: int) -> CampaignFacts:
        """Read a campaign anew. Raises CAMPAIGN_NOT_FOUND."""
        tenant = tenant_of(campaign)
        if campaign > _MAX_CAMPAIGN:
            raise _not_found()
        async with self._database.connection("campaign facts") as connection:
            found = await campaigns.campaign(connection, tenant, campaign)
        if found is None:
            raise _not_found()
        facts = CampaignFacts(
            tenant,
            campaign,
            found.create_time,
            microseconds(found.create_time),
            tuple(link.url for link in found.links),
            {group_id: number for number, group_id in enumerate(found.groups, 1)},
        )
        self._campaigns[campaign] = facts
        return facts

    async def url(self, campaign: int, link: int) -> str:
        """Return where a link leads. Raises CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND."""
        facts = self.known(campaign)
        if facts is None or link > len(facts.urls):
            facts = await self.look_up(campaign)
        if not 0 < link <= len(facts.urls):
            raise HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link of that number")
        return facts.urls[link - 1]

    async def group(self, campaign: int, group_id: str) -> int:
        """Return the number of a group. Raises CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND."""
        facts = self.known(campaign)
        if facts is None or group_id not in facts.groups:
            facts = await self.look_up(campaign)
        if group_id not in facts.groups:
            raise HushpostError(Reason.GROUP_NOT_FOUND, "the campaign has no such group")
        return facts.groups[group_id]

    async def number(self, tenant: int, campaign_id: str) -> int:
        """Return the number of a tenant's campaign. Raises CAMPAIGN_NOT_FOUND."""
        number = self._numbers.get((tenant, campaign_id))
        if number is None:
            if not is_id(campaign_id):
                raise _not_found()
            async with self._database.connection("campaign number") as connection:
                number = await campaigns.campaign_number(connection, tenant, campaign_id)
            if number is None:
                raise _not_found()
            self._numbers[tenant, campaign_id] = number
        return number

    async def mode_rule(
        self, connection: "Connection", tenant: int, version: int | None = None
    ) -> ModeRule:
        """Return a tenant's rule; read anew unless the remembered one has that version."""
        remembered = self._rules.get(tenant)
        if remembered is not None and remembered[0] == version:
            return remembered[1]
        in_force, periods = await tenants.policies(connection, tenant)
        rule = ModeRule(periods)
        self._rules[tenant] = (in_force, rule)
        return rule


def _not_found() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
