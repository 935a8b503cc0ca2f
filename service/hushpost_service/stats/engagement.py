"""Opens and clicks in a report: identified, anonymous and combined, and rates of people. Pure."""

from dataclasses import dataclass
from math import hypot

from hushpost_service.domain.counters import NOTHING, Count
from hushpost_service.domain.estimates import Estimate, clamped
from hushpost_service.domain.noise import margin
from hushpost_service.stats.anonymous import Part

__all__ = ["Engagement", "Rate", "Rates", "Sent", "Signal", "engagement_of", "rates_of"]


@dataclass(frozen=True, slots=True)
class Sent:
    """The number of messages sent: in total, and by mode as far as that may be shown.

    Attributes:
        margin: Of the number of each mode, 95%; 0 if they are exact.
    """

    total: int = 0
    identified: int = 0
    anonymous: int = 0
    aggregate: int = 0
    off: int = 0
    margin: int = 0

    @property
    def trackable(self) -> int:
        """The number of messages that can cause events, as far as it may be known.

        Messages in mode OFF that cannot be told from noise are counted: most campaigns have none.
        """
        return self.total - (self.off if self.off > self.margin else 0)


@dataclass(frozen=True, slots=True)
class Engagement:
    """Events and people, by mode. The estimates are None where nothing is released.

    Attributes:
        identified: Exact and live.
        anonymous: People.
        anonymous_total: Events of these people, if the numbers are exact; otherwise 0.
        aggregate: Events.
        combined: People, identified and anonymous.
    """

    identified: Count = NOTHING
    anonymous: Estimate | None = None
    anonymous_total: int = 0
    aggregate: Estimate | None = None
    combined: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """Opens or clicks, by people and by machines."""

    human: Engagement
    machine: Engagement


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate, split into the identified and the anonymous share of one denominator.

    Attributes:
        combined: The rate of identified and anonymous people together, at most 1.
        identified: The share of identified people.
        anonymous: The share of anonymous people; 0 if nothing is released.
        margin: Of `combined`, 95%.
    """

    combined: float = 0
    identified: float = 0
    anonymous: float = 0
    margin: float = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of distinct people; events by machines do not count."""

    open_rate: Rate
    click_through_rate: Rate
    click_to_open_rate: Rate


def engagement_of(
    identified: Count, people: Part | None, events: Part | None, sent: Sent, released: Sent
) -> Engagement:
    """Combine identified and anonymous numbers.

    With noise, neither the anonymous people nor all people together are more than the messages
    that can cause events.

    Args:
        identified: Exact and live.
        people: People in mode ANONYMOUS.
        events: Events in mode AGGREGATE.
        sent: The messages.
        released: The messages that had been sent at the release. Nothing live may limit an
            anonymous number, or it would move between two releases.
    """
    if people is None or events is None:
        return Engagement(identified)
    is_noisy = bool(people.scales)
    anonymous = clamped(
        people.count.unique, margin(people.scales), released.trackable if is_noisy else None
    )
    combined = clamped(
        identified.unique + anonymous.value,
        anonymous.margin,
        max(sent.trackable, identified.unique) if is_noisy else None,
    )
    return Engagement(
        identified,
        anonymous,
        people.count.total,
        clamped(events.count.total, margin(events.scales)),
        combined,
    )


def rates_of(sent: Sent, clicks_sent: Sent, opens: Signal, clicks: Signal) -> Rates:
    """Return the rates of people, given the messages by the modes of opens and of clicks."""
    openers = opens.human.combined or Estimate(opens.human.identified.unique)
    return Rates(
        open_rate=_rate(opens.human, Estimate(sent.trackable, sent.margin)),
        click_through_rate=_rate(clicks.human, Estimate(clicks_sent.trackable, clicks_sent.margin)),
        click_to_open_rate=_rate(clicks.human, openers),
    )


def _rate(people: Engagement, denominator: Estimate) -> Rate:
    if not denominator.value:
        return Rate()
    anonymous = people.anonymous or Estimate()
    combined = min((people.identified.unique + anonymous.value) / denominator.value, 1.0)
    # The margins of both numbers, to first order (the delta method).
    error = hypot(anonymous.margin, combined * denominator.margin)
    return Rate(
        combined,
        people.identified.unique / denominator.value,
        anonymous.value / denominator.value,
        min(error / denominator.value, 1.0),
    )
