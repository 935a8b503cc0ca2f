"""The statistics of a campaign."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

__all__ = [
    "CampaignStats",
    "Count",
    "EngagedContact",
    "EngagementStats",
    "Estimate",
    "GroupStats",
    "HourStats",
    "LinkStats",
    "Rate",
    "Rates",
    "ReleaseInfo",
    "SentStats",
    "SignalStats",
    "StatsPage",
]


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Count:
    """A number of events and of distinct messages: `Count(total, unique)`.

    Attributes:
        total: All events, including repeats.
        unique: Distinct messages, each counted once.
    """

    total: int
    unique: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A released number: the count plus random noise, unless counts are exact.

    Attributes:
        total: Events: of aggregate events; of anonymous ones only if counts are exact,
            otherwise 0.
        unique: People; 0 for aggregate events.
        margin: With a probability of 95%, the noise is at most this. 0 if exact.
        is_noise: Whether the number is smaller than its margin, so that it cannot be told
            from noise.
    """

    total: int = 0
    unique: int = 0
    margin: int = 0
    is_noise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementStats:
    """Counts by what is known about the contacts.

    The estimates are None before the first release, in hours, and for groups that share
    their counts with others (`CampaignStats.other_groups`).

    Attributes:
        identified: Events that name a contact. Exact.
        anonymous: People with anonymous messages.
        aggregate: Events of whole groups, and of browsers that sent a privacy signal.
        combined: People, identified and anonymous: the number to read first.
    """

    identified: Count
    anonymous: Estimate | None
    aggregate: Estimate | None
    combined: Estimate | None


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
    """How many messages were sent.

    Attributes:
        total: All messages. Live.
        identified: Of these, in mode IDENTIFIED. The modes are those of the last release,
            0 before it and for groups that share their counts; live if counts are exact.
        anonymous: In mode ANONYMOUS.
        aggregate: In mode AGGREGATE.
        off: In mode OFF.
        margin: With a probability of 95 %, the noise of each mode's number is at most this; 0 if
            there are no numbers, or exact ones.
    """

    total: int
    identified: int
    anonymous: int
    aggregate: int
    off: int
    margin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate from 0 to 1. Both parts have the same denominator.

    0 where the denominator is 0.

    Attributes:
        combined: The rate of identified and anonymous people together, at most 1.
        identified: The share of identified people.
        anonymous: The estimated share of anonymous people; 0 where there is no estimate.
        margin: With a probability of 95%, the noise changes `combined` by at most this.
    """

    combined: float
    identified: float
    anonymous: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Rates by unique human counts.

    Attributes:
        open_rate: Opens ÷ sent, without messages whose opens are known to be in mode OFF.
        click_through_rate: Clicks ÷ sent, without messages whose clicks are known to be OFF.
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
        sent: Messages sent, by the mode of their opens.
        clicks_sent: The same messages, by the mode of their clicks.
        opens: Opens.
        clicks: Clicks on any link; a contact that clicked two links is one unique.
        rates: Rates of the group.
    """

    group_id: str
    sent: SentStats
    clicks_sent: SentStats
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
    """The statistics of one hour, over the whole campaign: identified events only.

    Attributes:
        start_time: The start of the hour, UTC.
        sent: Messages sent in this hour, by the mode of their opens.
        opens: Opens.
        clicks: Clicks.
    """

    start_time: datetime
    sent: SentStats
    opens: SignalStats
    clicks: SignalStats


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """How and when the anonymous counts of a campaign are released.

    Attributes:
        exact: Whether they are exact and live, without any protection.
        epsilon: The privacy budget per contact of all releases together; 0 if exact.
        release_time: When the counts were released, UTC; None before the first release.
        next_release_time: When the next release is due, UTC; None before the first message
            and after the last release.
    """

    exact: bool
    epsilon: float
    release_time: datetime | None
    next_release_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStats:
    """The statistics of a campaign.

    Attributes:
        campaign_id: The campaign.
        release: How and when anonymous counts are released.
        sent: Messages sent, by the mode of their opens.
        clicks_sent: The same messages, by the mode of their clicks.
        opens: Opens of the whole campaign.
        clicks: Clicks of the whole campaign, on any link.
        rates: Rates of the whole campaign.
        groups: By group, in the order in which the groups were added.
        other_groups: The groups that share their anonymous counts, together, with an empty
            `group_id`; None if there are none, before the first release, and if exact.
        links: By link, ascending by number.
        hours: By hour, ascending; hours without events are left out.

    Groups, links and hours are empty, and `other_groups` is None, if the `StatsView` leaves
    them out.
    """

    campaign_id: str
    release: ReleaseInfo
    sent: SentStats
    clicks_sent: SentStats
    opens: SignalStats
    clicks: SignalStats
    rates: Rates
    groups: tuple[GroupStats, ...]
    other_groups: GroupStats | None
    links: tuple[LinkStats, ...]
    hours: tuple[HourStats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsPage(Generic[Item]):
    """A page of a campaign's groups or links.

    Attributes:
        items: The groups or links.
        next_page_token: Pass as `page_token` to get the next page; None on the last page.
        total_size: How many groups or links match the filter, on all pages.
        other_groups: With the first page of groups: those that share their anonymous counts,
            together; see `CampaignStats`. Otherwise None.
    """

    items: tuple[Item, ...]
    next_page_token: str | None
    total_size: int
    other_groups: GroupStats | None = None


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
