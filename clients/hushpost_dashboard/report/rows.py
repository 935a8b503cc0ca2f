"""The rows of the lists of groups and of links."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from hushpost_client import CampaignStats, GroupStats, LinkStats
from hushpost_dashboard.report.list_view import Column
from hushpost_dashboard.report.people import Number, Share, has_tracked, people

__all__ = ["GROUP_COLUMNS", "LINK_COLUMNS", "Bar", "GroupRow", "LinkRow", "group_rows", "link_rows"]

GROUP_COLUMNS = (
    Column("Group", "group_id"),
    Column("Sent", "sent", is_number=True),
    Column("Opened", "opens", is_number=True),
    Column("Open rate", "open_rate", is_number=True),
    Column("Clicked", "clicks", is_number=True),
    Column("Click-through rate", "click_through_rate", is_number=True),
)
LINK_COLUMNS = (
    Column("No.", "link_number", is_number=True),
    Column("Link", "label"),
    Column("Clicked", "clicks", is_number=True),
    Column("Share of clickers", is_number=True),
    Column("By machines", is_number=True),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from 0 to 100 with an error bar; `low` and `high` are equal without one."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group. `group_id` is empty for the groups that share their anonymous counts."""

    group_id: str
    sent: int
    opened: Number
    open_rate: Share | None
    clicked: Number
    click_through_rate: Share | None
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link. `host` and `rest` are the parts of its URL; `href` is None if it must not be one."""

    number: int
    label: str
    host: str
    rest: str
    href: str | None
    clicked: Number
    share: Share | None
    bar: Bar | None
    machines: Number


def group_rows(groups: Iterable[GroupStats]) -> tuple[GroupRow, ...]:
    """Return a row per group, with a bar of its open rate."""
    listed = tuple(groups)
    rates = [_rate(group) for group in listed]
    scale = _scale(rate[0] for rate in rates)
    return tuple(
        GroupRow(
            group.group_id,
            group.sent.total,
            people(group.opens.human, group.sent.total),
            open_rate,
            people(group.clicks.human, group.sent.total),
            click_rate,
            _bar(open_rate, scale),
        )
        for group, (open_rate, click_rate) in zip(listed, rates, strict=True)
    )


def link_rows(links: Iterable[LinkStats], stats: CampaignStats) -> tuple[LinkRow, ...]:
    """Return a row per link, with its share of all people who clicked in the campaign."""
    listed = tuple(links)
    messages = stats.sent.total
    clickers = people(stats.clicks.human, messages)
    clicked = [people(link.clicks.human, messages) for link in listed]
    shares = [Share.of_numbers(each, clickers) for each in clicked]
    scale = _scale(shares)
    return tuple(
        _link_row(link, number, share, _bar(share, scale), messages)
        for link, number, share in zip(listed, clicked, shares, strict=True)
    )


def _link_row(
    link: LinkStats, clicked: Number, share: Share | None, bar: Bar | None, messages: int
) -> LinkRow:
    host, rest, is_web = _parts(link.url)
    return LinkRow(
        link.link_number,
        link.label or "",
        host,
        rest,
        link.url if is_web else None,
        clicked,
        share,
        bar,
        people(link.clicks.machine, messages),
    )


def _parts(url: str) -> tuple[str, str, bool]:
    """Return the host of a URL, what follows it, and whether a browser may open it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url, False
    if parts.scheme.lower() not in {"http", "https"}:
        return "", url, False
    return parts.netloc.rpartition("@")[2], url.partition(parts.netloc)[2].removesuffix("/"), True


def _rate(group: GroupStats) -> tuple[Share | None, Share | None]:
    rates = group.rates
    return (
        Share.of_rate(rates.open_rate, group.opens.human) if has_tracked(group.sent) else None,
        Share.of_rate(rates.click_through_rate, group.clicks.human)
        if has_tracked(group.clicks_sent)
        else None,
    )


def _scale(shares: Iterable[Share | None]) -> float:
    """Return the greatest rate that a bar or error bar must show."""
    return max((share.high for share in shares if share is not None), default=0.0)


def _bar(share: Share | None, scale: float) -> Bar | None:
    if share is None or not scale:
        return None
    value, low, high = (
        round(each / scale * 100, 2) for each in (share.value, share.low, share.high)
    )
    return Bar(0.0 if share.is_noise else value, low, high)
