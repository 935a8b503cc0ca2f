"""Reads the numbers of campaigns and the contacts that engaged."""

from dataclasses import dataclass
from datetime import datetime

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.cells import ReleasedCell
from hushpost_service.domain.counters import Count
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import SignalRange
from hushpost_service.domain.modes import Mode, Modes
from hushpost_service.storage import campaigns, releases
from hushpost_service.storage import stats as storage
from hushpost_service.storage.database import Database
from hushpost_service.storage.releases import ReleaseState, SentByCell
from hushpost_service.storage.stats import (
    Cell,
    CellCounts,
    ContactEvents,
    PurposeEvents,
    SentMessages,
)

__all__ = ["CampaignNumbers", "EngagedContact", "Released", "Stats"]

_MAX_BLOCKS = 64
"""Blocks of contacts with an engaged contact that one statement reads."""

_HIDDEN = PurposeEvents(0, 0, None, None)


@dataclass(frozen=True, slots=True)
class Released:
    """The last release of a campaign.

    Attributes:
        counts: The counts with their noise.
        sent: Messages sent until the release.
    """

    counts: dict[ReleasedCell, int]
    sent: SentByCell


@dataclass(frozen=True, slots=True)
class CampaignNumbers:
    """The numbers of a campaign that may be shown.

    Attributes:
        campaign: The campaign with its links and groups.
        release: How its anonymous counts are released.
        sent: Messages sent.
        identified: Identified numbers: exact and current.
        exact: Anonymous numbers, exact and current; None unless the campaign allows that.
        released: The last release of anonymous numbers; None if there is none.
    """

    campaign: campaigns.Campaign
    release: ReleaseState
    sent: list[SentMessages]
    identified: CellCounts
    exact: dict[Cell, Count] | None
    released: Released | None

    @property
    def size(self) -> int:
        """The number of groups and links."""
        return len(self.campaign.groups) + len(self.campaign.links)


@dataclass(frozen=True, slots=True)
class EngagedContact:
    """A contact with identified events in a campaign."""

    number: int
    contact_id: str
    opens: int
    clicks: int
    first_event_time: datetime
    last_event_time: datetime


class Stats:
    """Reads the statistics of campaigns."""

    def __init__(self, database: Database, campaigns: CampaignCache) -> None:
        self._database = database
        self._campaigns = campaigns

    async def campaign(
        self, tenant: int, campaign_id: str, *, previous: CampaignNumbers | None = None
    ) -> CampaignNumbers:
        """Return the campaign's numbers. Raises CAMPAIGN_NOT_FOUND.

        A release never changes, so that of the numbers read before, `previous`, is not read
        again if it is still the last one.
        """
        number = await self._campaigns.number(tenant, campaign_id)
        async with self._database.connection("campaign stats") as connection:
            campaign = await campaigns.campaign(connection, tenant, number)
            release = await releases.release_state(connection, tenant, number)
            if campaign is None or release is None:
                raise HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
            exact = released = None
            if release.is_exact:
                exact = await storage.anonymous_counts(connection, tenant, number)
            elif previous is not None and _is_same_release(previous.release, release):
                released = previous.released
            elif release.last is not None:
                place = (tenant, number, release.last)
                released = Released(
                    await releases.released_counts(connection, *place),
                    await releases.released_sent(connection, *place),
                )
            return CampaignNumbers(
                campaign=campaign,
                release=release,
                sent=await storage.sent_messages(connection, tenant, number),
                identified=await storage.identified_counts(connection, tenant, number),
                exact=exact,
                released=released,
            )

    async def engaged_contacts(
        self,
        tenant: int,
        campaign_id: str,
        *,
        signals: SignalRange,
        after: int,
        limit: int,
        include_machine: bool,
    ) -> list[EngagedContact]:
        """Return a page of contacts that have identified events, by contact number.

        Leaves out events of purposes that are no longer IDENTIFIED: with `history: KEEP`
        there still are rows of them.

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
                found += filter(
                    None,
                    (
                        _engaged(contact, rule.at_event(contact.preference, create_time))
                        for contact in contacts
                    ),
                )
                block, count = blocks[-1], min(2 * count, _MAX_BLOCKS)
        return found[:limit]


def _is_same_release(previous: ReleaseState, current: ReleaseState) -> bool:
    # The time tells the releases of a database and of its restored backup apart.
    return (previous.last, previous.last_time) == (current.last, current.last_time)


def _engaged(contact: ContactEvents, modes: Modes) -> EngagedContact | None:
    """Return a contact with its events of IDENTIFIED purposes; None if none was selected."""
    opens, clicks = (
        events if mode is Mode.IDENTIFIED else _HIDDEN
        for events, mode in zip(contact.events, modes, strict=True)
    )
    if not opens.selected + clicks.selected:
        return None
    return EngagedContact(
        contact.number,
        contact.contact_id,
        opens.total,
        clicks.total,
        min(filter(None, (opens.first_time, clicks.first_time))),
        max(filter(None, (opens.last_time, clicks.last_time))),
    )
