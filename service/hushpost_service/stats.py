"""Numbers of campaigns: identified ones exact, anonymous ones as published."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hushpost_service.catalog import Catalog
from hushpost_service.errors import HushpostError, Reason
from hushpost_service.policy import Mode
from hushpost_service.release import NOTHING, Count, advance
from hushpost_service.storage import campaigns
from hushpost_service.storage import stats as storage
from hushpost_service.storage.database import Database
from hushpost_service.storage.stats import Cell, Counted, EngagedContact, Published

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = ["CampaignNumbers", "Stats"]


@dataclass(frozen=True, slots=True)
class CampaignNumbers:
    """What may be told of a campaign.

    `sent` is (group, mode, hour, messages); `counted` is exact and of use for
    IDENTIFIED cells only; the other modes' numbers are in `published`.
    """

    campaign: campaigns.Campaign
    quorum: int
    sent: list[tuple[int, int, int, int]]
    counted: Counted
    published: Published


class Stats:
    """What reporting asks for."""

    def __init__(self, database: Database, catalog: Catalog, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._catalog = catalog
        self._clock = clock

    async def campaign(self, tenant: int, campaign_id: str) -> CampaignNumbers:
        """Return a campaign's numbers, after publishing what may be. Raises CAMPAIGN_NOT_FOUND."""
        number = await self._catalog.number(tenant, campaign_id)
        async with self._database.connection("campaign stats") as connection:
            campaign = await campaigns.campaign(connection, tenant, number)
            if campaign is None:
                raise HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
            quorum = (await self._catalog.mode_rule(connection, tenant)).policy.quorum
            sent = await storage.sent(connection, tenant, number)
            counted = await storage.counted(connection, tenant, number)
            published = await storage.published(connection, tenant, number)
        if _steps(counted, published, quorum):
            published = await self._publish(tenant, number)
        return CampaignNumbers(campaign, quorum, sent, counted, published)

    async def engaged_contacts(
        self,
        tenant: int,
        campaign_id: str,
        signals: tuple[int, int],
        after: int,
        limit: int,
        *,
        include_machine: bool,
    ) -> list[EngagedContact]:
        """Return identified contacts with events of signals from…to, by contact number.

        Only where the message is IDENTIFIED now, too: rows may have been kept at
        an opt-out. Raises CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND.
        """
        number = await self._catalog.number(tenant, campaign_id)
        if signals[0] == signals[1] > 0:
            await self._catalog.url(number, signals[0])
        facts = self._catalog.known(number) or await self._catalog.look_up(number)
        found: list[EngagedContact] = []
        async with self._database.connection("engaged contacts") as connection:
            rule = await self._catalog.mode_rule(connection, tenant)
            while len(found) < limit:
                part = await storage.engaged_contacts(
                    connection,
                    tenant,
                    number,
                    signals,
                    after,
                    limit,
                    include_machine=include_machine,
                )
                found += [
                    contact
                    for contact, preference in part
                    if rule.of_contact(preference, facts.create_time) is Mode.IDENTIFIED
                ]
                if len(part) < limit:
                    break
                after = part[-1][0].number
        return found[:limit]

    async def _publish(self, tenant: int, number: int) -> Published:
        """Let numbers advance that may, and return all that is published.

        Everything is read again under a lock, so that of two readers at once
        only one makes a step.
        """

        async def work(connection: "Connection") -> Published:
            await storage.lock_publication(connection, number)
            quorum = (await self._catalog.mode_rule(connection, tenant)).policy.quorum
            counted = await storage.counted(connection, tenant, number)
            published = await storage.published(connection, tenant, number)
            steps = _steps(counted, published, quorum)
            if not steps:
                return published
            hour = int(self._clock().timestamp()) // 3600
            await storage.publish(connection, tenant, number, hour, steps)
            return await storage.published(connection, tenant, number)

        return await self._database.transact("publish", work)


def _steps(counted: Counted, published: Published, quorum: int) -> dict[Cell, Count]:
    """Return by how much each anonymous cell may advance."""
    steps = {
        cell: advance(
            published.cells.get(cell, NOTHING),
            live,
            quorum,
            distinct=cell.mode == Mode.ANONYMOUS,
        )
        for cell, live in counted.cells.items()
        if cell.mode != Mode.IDENTIFIED
    }
    return {cell: step for cell, step in steps.items() if step is not None}
