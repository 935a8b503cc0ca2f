"""Reads the numbers of campaigns, and publishes anonymous numbers when the rules allow it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.counters import ANONYMIZED
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release import Count, advance, advance_clickers
from hushpost_service.storage import campaigns
from hushpost_service.storage import stats as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.stats import (
    ANY_LINK,
    Cell,
    CellCounts,
    EngagedContact,
    UnpublishedCell,
)

__all__ = ["CampaignNumbers", "Stats"]

_MAX_BLOCKS = 64
"""Blocks of contacts with an engaged contact that one statement reads."""

_MODES_WITH_PEOPLE = (Mode.ANONYMOUS, ANONYMIZED + Mode.ANONYMOUS)
"""Modes in which slots tell people apart; AGGREGATE counts events only."""


@dataclass(frozen=True, slots=True)
class CampaignNumbers:
    """The numbers of a campaign that may be shown.

    Attributes:
        campaign: The campaign with its links and groups.
        quorum: The minimum number of people in a published anonymous count.
        sent: Messages sent, as (group, mode, hour, messages).
        identified: Identified numbers: exact and current.
        published: Anonymous numbers as far as they have been published.
    """

    campaign: campaigns.Campaign
    quorum: int
    sent: list[tuple[int, int, int, int]]
    identified: CellCounts
    published: CellCounts


class Stats:
    """Reads the statistics of campaigns."""

    def __init__(
        self, database: Database, campaigns: CampaignCache, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._clock = clock

    async def campaign(self, tenant: int, campaign_id: str) -> CampaignNumbers:
        """Publish the anonymous numbers that are due, and return the campaign's numbers.

        Raises CAMPAIGN_NOT_FOUND.
        """
        number = await self._campaigns.number(tenant, campaign_id)
        async with self._database.connection("campaign stats") as connection:
            campaign = await campaigns.campaign(connection, tenant, number)
            if campaign is None:
                raise HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
            rule = await self._campaigns.mode_rule(connection, tenant)
            sent = await storage.sent_messages(connection, tenant, number)
            identified = await storage.identified_counts(connection, tenant, number)
            quorum = rule.quorum(campaign.create_time)
            small_groups = _small_groups(sent, quorum)
            unpublished = await storage.unpublished_cells(connection, tenant, number, quorum)
            if not _increments(unpublished, quorum, small_groups):
                published = await storage.published_counts(connection, tenant, number)
                return CampaignNumbers(campaign, quorum, sent, identified, published)
        published = await self._publish(tenant, campaign, small_groups)
        return CampaignNumbers(campaign, quorum, sent, identified, published)

    async def engaged_contacts(
        self,
        tenant: int,
        campaign_id: str,
        *,
        signals: tuple[int, int],
        after: int,
        limit: int,
        include_machine: bool,
    ) -> list[EngagedContact]:
        """Return a page of contacts that have identified events, by contact number.

        Leaves out contacts whose messages are no longer IDENTIFIED: with `history: KEEP`
        they still have event rows.

        Args:
            tenant: The tenant.
            campaign_id: The campaign.
            signals: The first and last signal of the range that an event must be in.
            after: The number of the last contact of the page before; 0 for the first page.
            limit: The maximum number of contacts.
            include_machine: Whether events with an automated verdict count.

        Raises CAMPAIGN_NOT_FOUND, and LINK_NOT_FOUND if the range is a single link.
        """
        number = await self._campaigns.number(tenant, campaign_id)
        first_signal, last_signal = signals
        if first_signal == last_signal > 0:
            # Raises LINK_NOT_FOUND.
            await self._campaigns.url(number, first_signal)
        create_time = (await self._campaigns.get(number)).create_time
        found: list[EngagedContact] = []
        block = storage.block_of(after) - 1
        # One block is a page or more of a frequent signal; a rare one needs many.
        count = 1
        async with self._database.connection("engaged contacts") as connection:
            rule = await self._campaigns.mode_rule(connection, tenant)
            while len(found) < limit:
                blocks = await storage.engaged_blocks(
                    connection,
                    tenant,
                    number,
                    signals,
                    block,
                    count,
                    include_machine=include_machine,
                )
                if not blocks:
                    break
                contacts = await storage.engaged_contacts(
                    connection,
                    tenant,
                    number,
                    signals,
                    blocks,
                    after,
                    include_machine=include_machine,
                )
                found += [
                    contact
                    for contact, preference in contacts
                    if rule.of_contact(preference, create_time) is Mode.IDENTIFIED
                ]
                block, count = blocks[-1], min(2 * count, _MAX_BLOCKS)
        return found[:limit]

    async def _publish(
        self, tenant: int, campaign: campaigns.Campaign, small_groups: Collection[int]
    ) -> CellCounts:
        """Advance the published numbers that are due, and return all published numbers.

        Reads the counters again under a lock, so that concurrent calls do not publish the
        same increment twice.
        """
        number = campaign.number

        async def work(connection: Connection) -> CellCounts:
            await storage.lock_publication(connection, number)
            rule = await self._campaigns.mode_rule(connection, tenant)
            quorum = rule.quorum(campaign.create_time)
            unpublished = await storage.unpublished_cells(connection, tenant, number, quorum)
            increments = _increments(unpublished, quorum, small_groups)
            if increments:
                hour = int(self._clock().timestamp()) // 3600
                await storage.publish(connection, tenant, number, hour, increments)
            return await storage.published_counts(connection, tenant, number)

        return await self._database.transact("publish", work)


def _increments(
    unpublished: Sequence[UnpublishedCell], quorum: int, small_groups: Collection[int]
) -> dict[Cell, Count]:
    """Return what to add to published cells.

    When the clicks on a group's links advance, the result also has its `ANY_LINK` cell: the
    people who clicked any of the links.
    """
    increments: dict[Cell, Count] = {}
    links: dict[Cell, list[tuple[int, int]]] = {}
    clickers: dict[Cell, tuple[int, int]] = {}
    for cell, live, published, live_clickers, published_clickers in unpublished:
        has_people = cell.mode in _MODES_WITH_PEOPLE
        if not has_people and cell.group in small_groups:
            continue
        increment = advance(published, live, quorum, distinct=has_people)
        if increment is None:
            continue
        increments[cell] = increment
        if cell.signal and has_people:
            any_link = cell._replace(signal=ANY_LINK)
            links.setdefault(any_link, []).append((published.unique, increment.unique))
            clickers[any_link] = (published_clickers, live_clickers)
    for any_link, advanced in links.items():
        people = advance_clickers(*clickers[any_link], quorum, advanced)
        # ANY_LINK counts people only; the events are counted per link.
        increments[any_link] = Count(0, people)
    return increments


def _small_groups(sent: Iterable[tuple[int, int, int, int]], quorum: int) -> set[int]:
    """Return groups whose AGGREGATE numbers may stand for fewer people than the quorum.

    One person can cause any number of AGGREGATE events, so the number of messages limits
    the number of people. A group is small if it has fewer messages than the quorum (without
    OFF), or some AGGREGATE messages but fewer than the quorum. Without any AGGREGATE
    message, its AGGREGATE events come from readers with a privacy signal, or from
    messages that were identified when sent, so all its messages count.
    """
    trackable: Counter[int] = Counter()
    aggregate: Counter[int] = Counter()
    for group, mode, _, count in sent:
        if mode != Mode.OFF:
            trackable[group] += count
        if mode == Mode.AGGREGATE:
            aggregate[group] += count
    return {
        group
        for group, count in trackable.items()
        if count < quorum or 0 < aggregate[group] < quorum
    }
