"""The numbers of a campaign."""

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
    """Events, and the people behind them.

    Attributes:
        total: All events, repeats included.
        unique: Distinct messages, each counted once.
    """

    total: int
    unique: int


@dataclass(frozen=True, slots=True)
class EngagementStats:
    """A number, split by what is known.

    Attributes:
        identified: Of events that name a contact. Exact.
        anonymous: Of anonymous events. Published under the quorum.
        aggregate: Of whole groups and of browsers that asked for privacy:
            totals only. Published under the quorum.
        held_back: Whether the published numbers may be behind the truth. Never
            tells whether somebody acted.
    """

    identified: Count
    anonymous: Count
    aggregate: Count
    held_back: bool


@dataclass(frozen=True, slots=True)
class SignalStats:
    """Opens or clicks.

    Attributes:
        human: Verdicts HUMAN, PROXY and UNKNOWN.
        machine: Verdicts PREFETCH and SCANNER.
    """

    human: EngagementStats
    machine: EngagementStats


@dataclass(frozen=True, slots=True)
class SentStats:
    """Messages sent, by the mode that they were sent in."""

    identified: int
    anonymous: int
    aggregate: int
    off: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate from 0 to 1; `identified` + `anonymous` = `combined`.

    Attributes:
        combined: Of identified and published anonymous people together.
        identified: The part of identified people.
        anonymous: The part of published anonymous people.
    """

    combined: float
    identified: float
    anonymous: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates by unique human numbers, where sent leaves out OFF.

    Attributes:
        open_rate: Opens ÷ sent.
        click_through_rate: Clicks ÷ sent.
        click_to_open_rate: Clicks ÷ opens.
    """

    open_rate: Rate
    click_through_rate: Rate
    click_to_open_rate: Rate


@dataclass(frozen=True, slots=True)
class GroupStats:
    """The numbers of a group; a person who clicked two links is one unique click."""

    group_id: str
    sent: SentStats
    opens: SignalStats
    clicks: SignalStats
    rates: Rates


@dataclass(frozen=True, slots=True)
class LinkStats:
    """The numbers of a link, over all groups."""

    link_number: int
    url: str
    label: str
    clicks: SignalStats


@dataclass(frozen=True, slots=True)
class HourStats:
    """The numbers of an hour, of the whole campaign.

    Identified numbers stand in the hour of the event, anonymous ones in the hour
    in which they were published.

    Attributes:
        start_time: The hour's first second, UTC.
        sent: Messages sent in it.
        opens: Opens.
        clicks: Clicks.
    """

    start_time: datetime
    sent: SentStats
    opens: SignalStats
    clicks: SignalStats


@dataclass(frozen=True, slots=True)
class CampaignStats:
    """The numbers of a campaign.

    Attributes:
        campaign_id: The campaign.
        quorum: k: how many more people must stand behind each change of an
            anonymous number; 1 means that all numbers are exact.
        sent: Messages sent.
        opens: Opens of the whole campaign.
        clicks: Clicks of the whole campaign, on any link.
        rates: Rates of the whole campaign.
        groups: In the order in which they were added.
        links: By number.
        hours: Ascending; hours without a number are left out.
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


@dataclass(frozen=True, slots=True)
class EngagedContact:
    """An identified contact that engaged; counts include repeats, times are UTC."""

    contact_id: str
    open_count: int
    click_count: int
    first_event_time: datetime
    last_event_time: datetime
