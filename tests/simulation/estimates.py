"""Compares released estimates with exact predictions. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hushpost_client import CampaignStats, EngagementStats, Estimate, SignalStats

__all__ = ["Deviation", "deviations", "exact_numbers"]

_ESTIMATED = ("anonymous", "aggregate", "combined")
_SENT_BY_MODE = ("identified", "anonymous", "aggregate", "off")


class Deviation(NamedTuple):
    """How far a released number is from the predicted one."""

    name: str
    distance: int
    margin: int


def deviations(
    predicted: CampaignStats, reported: CampaignStats, least_people: Mapping[int, SignalStats]
) -> list[Deviation]:
    """Return how far each estimate is from the prediction.

    Args:
        predicted: The report with exact counts.
        reported: The report with estimates.
        least_people: By link, the clicks of people who clicked few enough links that all of
            their clicks count. The estimate of a link may be between both predictions.
    """
    found: list[Deviation] = []
    for name, exact, signal in (
        ("opens", predicted.opens, reported.opens),
        ("clicks", predicted.clicks, reported.clicks),
    ):
        found += _of_signal(name, exact, exact, signal)
    for most, link in zip(predicted.links, reported.links, strict=True):
        least = least_people[most.link_number]
        found += _of_signal(f"link {most.link_number}", least, most.clicks, link.clicks)
    return found


def exact_numbers(numbers: Mapping[str, object]) -> dict[str, object]:
    """Return those numbers of a report that are exact and live: identified ones, and totals."""
    return {
        name: value
        for name, value in numbers.items()
        if not name.startswith(("release >", "other_groups >"))
        and (
            " identified > " in name
            or name.startswith("engaged ")
            or name.endswith((" > total", " > url", " > label"))
        )
        and not any(f"sent > {mode}" in name for mode in _SENT_BY_MODE)
        and not any(f" {kind} > " in name for kind in _ESTIMATED)
    }


def _of_signal(
    name: str, least: SignalStats, most: SignalStats, reported: SignalStats
) -> Iterator[Deviation]:
    for kind in ("human", "machine"):
        low: EngagementStats = getattr(least, kind)
        high: EngagementStats = getattr(most, kind)
        found: EngagementStats = getattr(reported, kind)
        yield _deviation(
            f"{name} {kind} anonymous",
            _released(low.anonymous).unique,
            _released(high.anonymous).unique,
            _released(found.anonymous).unique,
            _released(found.anonymous).margin,
        )
        yield _deviation(
            f"{name} {kind} aggregate",
            _released(high.aggregate).total,
            _released(high.aggregate).total,
            _released(found.aggregate).total,
            _released(found.aggregate).margin,
        )


def _deviation(name: str, low: int, high: int, value: int, margin: int) -> Deviation:
    return Deviation(name, max(low - value, value - high, 0), margin)


def _released(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate
