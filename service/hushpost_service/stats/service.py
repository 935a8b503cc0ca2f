"""Numbers of campaigns: identified ones exact, anonymous ones as published."""

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
from hushpost_service.storage.stats import ANY_LINK, Cell, EngagedContact, Numbers, Waiting

__all__ = ["CampaignNumbers", "Stats"]


_DISTINCT = (Mode.ANONYMOUS, ANONYMIZED + Mode.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class CampaignNumbers:
    """What may be told of a campaign: `sent` is (group, mode, hour, messages)."""

    campaign: campaigns.Campaign
    quorum: int
    sent: list[tuple[int, int, int, int]]
    identified: Numbers
    published: Numbers


class Stats:
    """What reporting asks for."""

    def __init__(
        self, database: Database, campaigns: CampaignCache, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._clock = clock

    async def campaign(self, tenant: int, campaign_id: str) -> CampaignNumbers:
        """Return a campaign's numbers, after publishing what may be. Raises CAMPAIGN_NOT_FOUND."""
        number = await self._campaigns.number(tenant, campaign_id)
        async with self._database.connection("campaign stats") as connection:
            campaign = await campaigns.campaign(connection, tenant, number)
            if campaign is None:
                raise HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
            rule = await self._campaigns.mode_rule(connection, tenant)
            sent = await storage.sent(connection, tenant, number)
            identified = await storage.identified(connection, tenant, number)
            quorum = rule.quorum(campaign.create_time)
            few = _few(sent, quorum)
            waiting = await storage.waiting(connection, tenant, number, quorum)
            if not _steps(waiting, quorum, few):
                published = await storage.published(connection, tenant, number)
                return CampaignNumbers(campaign, quorum, sent, identified, published)
        published = await self._publish(tenant, campaign, few)
        return CampaignNumbers(campaign, quorum, sent, identified, published)

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
        number = await self._campaigns.number(tenant, campaign_id)
        if signals[0] == signals[1] > 0:
            await self._campaigns.url(number, signals[0])
        facts = await self._campaigns.get(number)
        found: list[EngagedContact] = []
        async with self._database.connection("engaged contacts") as connection:
            rule = await self._campaigns.mode_rule(connection, tenant)
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

    async def _publish(
        self, tenant: int, campaign: campaigns.Campaign, few: Collection[int]
    ) -> Numbers:
        """Let numbers advance that may, and return all that is published.

        Everything is read again under a lock, so that of two readers at once
        only one makes a step.
        """
        number = campaign.number

        async def work(connection: Connection) -> Numbers:
            await storage.lock_publication(connection, number)
            rule = await self._campaigns.mode_rule(connection, tenant)
            quorum = rule.quorum(campaign.create_time)
            steps = _steps(await storage.waiting(connection, tenant, number, quorum), quorum, few)
            if steps:
                hour = int(self._clock().timestamp()) // 3600
                await storage.publish(connection, tenant, number, hour, steps)
            return await storage.published(connection, tenant, number)

        return await self._database.transact("publish", work)


def _steps(waiting: Sequence[Waiting], quorum: int, few: Collection[int]) -> dict[Cell, Count]:
    """Return by how much cells advance, and with links the people who clicked any of a group."""
    steps: dict[Cell, Count] = {}
    links: dict[Cell, list[tuple[int, int]]] = {}
    clickers: dict[Cell, tuple[int, int]] = {}
    for cell, live, published, clicked, published_clickers in waiting:
        distinct = cell.mode in _DISTINCT
        if not distinct and cell.group in few:
            continue
        step = advance(published, live, quorum, distinct=distinct)
        if step is None:
            continue
        steps[cell] = step
        if cell.signal and distinct:
            any_link = cell._replace(signal=ANY_LINK)
            links.setdefault(any_link, []).append((published.unique, step.unique))
            clickers[any_link] = (published_clickers, clicked)
    for any_link, advanced in links.items():
        people = advance_clickers(*clickers[any_link], quorum, advanced)
        steps[any_link] = Count(0, people)
    return steps


def _few(sent: Iterable[tuple[int, int, int, int]], quorum: int) -> set[int]:
    """Return groups whose AGGREGATE numbers could be those of fewer than a quorum.

    One person can make k events. Where no message was sent in that mode, events
    are of readers who asked for privacy, or were identified when it was sent.
    """
    heard: Counter[int] = Counter()
    aggregate: Counter[int] = Counter()
    for group, mode, _, count in sent:
        if mode != Mode.OFF:
            heard[group] += count
        if mode == Mode.AGGREGATE:
            aggregate[group] += count
    return {
        group for group, count in heard.items() if count < quorum or 0 < aggregate[group] < quorum
    }
