"""Numbers as the dashboard shows them: exact, with a margin, or as a range."""

import pytest

from hushpost_client import Count, EngagementStats, Estimate, Rate
from hushpost_dashboard.report.people import Number, Share, people


def _engagement(identified: int, anonymous: Estimate | None) -> EngagementStats:
    combined = anonymous and Estimate(
        unique=identified + anonymous.unique,
        margin=anonymous.margin,
        is_noise=identified + anonymous.unique < anonymous.margin,
    )
    return EngagementStats(
        identified=Count(identified * 2, identified),
        anonymous=anonymous,
        aggregate=None,
        combined=combined,
    )


@pytest.mark.parametrize(
    ("engagement", "messages", "text", "low", "high"),
    [
        (_engagement(1_200, None), 5_000, "1,200*", 1_200, 1_200),
        (_engagement(1_200, Estimate(unique=34)), 5_000, "1,234", 1_234, 1_234),
        (_engagement(1_200, Estimate(unique=34, margin=21)), 5_000, "1,234 ± 21", 1_213, 1_255),
        (_engagement(1_200, Estimate(unique=4, margin=21)), 5_000, "1,204 ± 21", 1_200, 1_225),
        (_engagement(10, Estimate(unique=5, margin=21)), 5_000, "10 to 36", 10, 36),
        (_engagement(0, Estimate(margin=21)), 5_000, "0 to 21", 0, 21),
        (_engagement(10, Estimate(unique=5, margin=21)), 20, "10 to 20", 10, 20),
        (_engagement(0, Estimate(margin=21)), 0, "0 to 0", 0, 0),
    ],
)
def test_people(engagement: EngagementStats, messages: int, text: str, low: int, high: int) -> None:
    """The range has no fewer than the identified people and no more than the messages."""
    number = people(engagement, messages)
    assert (number.text, number.low, number.high) == (text, low, high)


def test_an_exact_zero_is_not_noise() -> None:
    """Without noise, zero is zero."""
    assert people(_engagement(0, Estimate()), 100).text == "0"


def test_screen_readers_get_words() -> None:
    """Neither a range nor a margin depends on a sign."""
    assert Number(1_234, 1_213, 1_255, 21).spoken == "1,234 plus or minus 21"
    assert Number(5, 0, 26, 21, is_noise=True).spoken == "0 to 26"
    assert Number.exact(7).spoken == "7"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Rate(combined=0.412, identified=0.4, anonymous=0.012, margin=0.007), "41.2% ± 0.7%"),
        (Rate(combined=0.412, identified=0.4, anonymous=0.012, margin=0.0004), "41.2%"),
        (Rate(combined=0.01, identified=0.004, anonymous=0.006, margin=0.03), "0.4% to 4.0%"),
        (Rate(combined=0.0, identified=0.0, anonymous=0.0, margin=0.0), "0.0%"),
        (Rate(combined=1.0, identified=1.0, anonymous=0.0, margin=0.0), "100.0%"),
    ],
)
def test_rates(rate: Rate, text: str) -> None:
    """A rate that is smaller than its margin is a range, too."""
    assert Share.of_rate(rate, _engagement(1, Estimate())).text == text


def test_a_rate_without_anonymous_people_is_marked() -> None:
    """It is a lower bound."""
    rate = Rate(combined=0.2, identified=0.2, anonymous=0.0, margin=0.0)
    assert Share.of_rate(rate, _engagement(20, None)).text == "20.0%*"


def test_the_margin_of_a_share_has_those_of_both_numbers() -> None:
    """The share of every pair of numbers within their margins is within the share's margin."""
    part, whole = Number(200, 170, 230, 30), Number(400, 380, 420, 20)
    share = Share.of_numbers(part, whole)
    assert share is not None
    assert share.value == 0.5
    extremes = [low / high for low in (170, 230) for high in (380, 420)]
    # To first order.
    assert share.low == pytest.approx(min(extremes), abs=0.01)
    assert share.high == pytest.approx(max(extremes), abs=0.01)


def test_no_share_of_nothing() -> None:
    """Nothing, and what may be nothing, is no denominator."""
    assert Share.of_numbers(Number.exact(1), Number.exact(0)) is None
    assert Share.of_numbers(Number.exact(1), Number(5, 0, 26, 21, is_noise=True)) is None


def test_a_share_of_noise_is_a_range() -> None:
    """A link with fewer clicks than its margin gets no definite share."""
    share = Share.of_numbers(Number(5, 2, 26, 21, is_noise=True), Number.exact(100))
    assert share is not None
    assert share.text == "2.0% to 26.0%"
