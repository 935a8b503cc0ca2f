"""Predicts the rates of exact counts. Pure."""

from hushpost_client import EngagementStats, Rate, Rates, SentStats, SignalStats

__all__ = ["rates_of"]


def rates_of(
    sent: SentStats, clicks_sent: SentStats, opens: SignalStats, clicks: SignalStats
) -> Rates:
    """Return the rates of people among messages that are not OFF."""
    return Rates(
        open_rate=_rate(opens.human, _tracked(sent)),
        click_through_rate=_rate(clicks.human, _tracked(clicks_sent)),
        click_to_open_rate=_rate(clicks.human, sum(_people(opens.human))),
    )


def _tracked(sent: SentStats) -> int:
    return sent.identified + sent.anonymous + sent.aggregate


def _people(cell: EngagementStats) -> tuple[int, int]:
    assert cell.anonymous is not None
    return cell.identified.unique, cell.anonymous.unique


def _rate(cell: EngagementStats, of: int) -> Rate:
    identified, anonymous = _people(cell)
    if of == 0:
        return Rate(combined=0, identified=0, anonymous=0, margin=0)
    return Rate(
        combined=min((identified + anonymous) / of, 1),
        identified=identified / of,
        anonymous=anonymous / of,
        margin=0,
    )
