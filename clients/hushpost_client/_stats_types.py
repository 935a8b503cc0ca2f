"""The statistics of a campaign."""

from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "CampaignStats",
    "Count",
    "EngagedContact",
    "EngagementStats",
    "GroupStats",
    "HourStats",
    "LinkStats",
    "Rate",
    "Rates",
    "SentStats",
    "SignalStats",
]


@dataclass(frozen=True, slots=True)
class Count:
    """A number of events and of distinct messages: `Count(total, unique)`.

    Attributes:
        total: All events, including repeats.
        unique: Distinct messages, each counted once.
    """

    total: int
    unique: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementStats:
    """Counts by what is known about the contacts.

    Attributes:
        identified: Events that name a contact. Exact.
        anonymous: Anonymous events. Published under the quorum.
        aggregate: Events of whole groups, and of browsers that sent a privacy
            signal. Published under the quorum; `unique` is 0.
        held_back: Whether the published counts may lag behind the real ones: always
            true while the quorum is above 1 and something was sent. It depends on
            nothing else, so it does not reveal whether there were events.
    """

    identified: Count
    anonymous: Count
    aggregate: Count
    held_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalStats:
    """Opens or clicks, by human and machine.

    Attributes:
        human: Events with the verdict HUMAN, PROXY or UNKNOWN.
        machine: Events with the verdict PREFETCH or SCANNER.
    """

    human: EngagementStats
    machine: EngagementStats


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStats:
    """How many messages were sent in each mode."""

    identified: int
    anonymous: int
    aggregate: int
    off: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate from 0 to 1; `identified` + `anonymous` = `combined`.

    0 where the denominator is 0.

    Attributes:
        combined: The rate of identified and published anonymous contacts together.
        identified: The share of identified contacts.
        anonymous: The share of published anonymous contacts.
    """

    combined: float
    identified: float
    anonymous: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Rates by unique human counts; messages in mode OFF do not count as sent.

    Attributes:
        open_rate: Opens ÷ sent.
        click_through_rate: Clicks ÷ sent.
        click_to_open_rate: Clicks ÷ opens.
    """

    open_rate: Rate
    click_through_rate: Rate
    click_to_open_rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStats:
    """The statistics of one group.

    Attributes:
        group_id: The group.
        sent: Messages sent.
        opens: Opens.
        clicks: Clicks on any link; a contact that clicked two links is one unique.
        rates: Rates of the group.
    """

    group_id: str
    sent: SentStats
    opens: SignalStats
    clicks: SignalStats
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStats:
    """The statistics of one link, over all groups.

    Attributes:
        link_number: 1…n in the campaign.
        url: The destination.
        label: The place of the link in the message, or None.
        clicks: Clicks.
    """

    link_number: int
    url: str
    label: str | None
    clicks: SignalStats


@dataclass(frozen=True, slots=True, kw_only=True)
class HourStats:
    """The statistics of one hour, over the whole campaign.

    Identified counts are assigned to the hour of the event, anonymous ones to the
    hour of their publication.

    Attributes:
        start_time: The start of the hour, UTC.
        sent: Messages sent in this hour.
        opens: Opens.
        clicks: Clicks.
    """

    start_time: datetime
    sent: SentStats
    opens: SignalStats
    clicks: SignalStats


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStats:
    """The statistics of a campaign.

    Attributes:
        campaign_id: The campaign.
        quorum: The k of the k-anonymity: a published anonymous count changes only
            when at least k more contacts contribute to it. With 1, all counts are
            exact.
        sent: Messages sent.
        opens: Opens of the whole campaign.
        clicks: Clicks of the whole campaign, on any link.
        rates: Rates of the whole campaign.
        groups: By group, in the order in which the groups were added.
        links: By link, ascending by number.
        hours: By hour, ascending; hours without events are left out.
    """

    campaign_id: str
    quorum: int
    sent: SentStats
    opens: SignalStats
    clicks: SignalStats
    rates: Rates
    groups: tuple[GroupStats, ...]
    links: tuple[LinkStats, ...]
    hours: tuple[HourStats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagedContact:
    """A contact that opened or clicked, with its identified events.

    Attributes:
        contact_id: The contact.
        open_count: How many opens, including repeats.
        click_count: How many clicks, including repeats.
        first_event_time: The time of the first event, UTC.
        last_event_time: The time of the last event, UTC.
    """

    contact_id: str
    open_count: int
    click_count: int
    first_event_time: datetime
    last_event_time: datetime
