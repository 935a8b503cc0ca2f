"""Converts reports to protobuf messages."""

from enum import IntEnum

from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import stats_pb2 as pb
from hushpost_service.domain.counters import Count
from hushpost_service.domain.estimates import Estimate
from hushpost_service.rpc.convert import timestamp
from hushpost_service.stats.engagement import Engagement, Rate, Rates, Sent, Signal
from hushpost_service.stats.report import (
    CampaignReport,
    GroupReport,
    HourReport,
    LinkReport,
    ReleaseInfo,
)

__all__ = ["StatsView", "campaign_stats", "group_stats", "link_stats"]


class StatsView(IntEnum):
    """The parts of a report, with the numbers of `CampaignStatsView`; each has those before it."""

    SUMMARY = 1
    HOURLY = 2
    FULL = 3


def campaign_stats(report: CampaignReport, view: StatsView = StatsView.FULL) -> pb.CampaignStats:
    """Convert the parts of a report that a view selects."""
    message = pb.CampaignStats(
        campaign_id=report.campaign_id,
        sent=_sent(report.total.sent),
        clicks_sent=_sent(report.total.clicks_sent),
        opens=_signal(report.total.opens),
        clicks=_signal(report.total.clicks),
        rates=_rates(report.total.rates),
        release=_release(report.release),
    )
    if view >= StatsView.HOURLY:
        message.hours.extend(map(_hour, report.hours))
    if view >= StatsView.FULL:
        message.groups.extend(map(group_stats, report.groups))
        message.links.extend(map(link_stats, report.links))
        if report.other_groups is not None:
            message.other_groups.CopyFrom(group_stats(report.other_groups))
    return message


def link_stats(link: LinkReport) -> pb.LinkStats:
    """Convert the numbers of a link."""
    return pb.LinkStats(
        link_number=link.number, url=link.url, label=link.label, clicks=_signal(link.clicks)
    )


def _hour(hour: HourReport) -> pb.HourStats:
    return pb.HourStats(
        start_time=Timestamp(seconds=hour.hour * 3600),
        sent=_sent(hour.sent),
        opens=_signal(hour.opens),
        clicks=_signal(hour.clicks),
    )


def _release(release: ReleaseInfo) -> pb.ReleaseInfo:
    return pb.ReleaseInfo(
        exact=release.is_exact,
        epsilon=release.epsilon,
        release_time=timestamp(release.release_time),
        next_release_time=timestamp(release.next_release_time),
    )


def group_stats(group: GroupReport) -> pb.GroupStats:
    """Convert the numbers of a group."""
    return pb.GroupStats(
        group_id=group.group_id,
        sent=_sent(group.sent),
        clicks_sent=_sent(group.clicks_sent),
        opens=_signal(group.opens),
        clicks=_signal(group.clicks),
        rates=_rates(group.rates),
    )


def _sent(sent: Sent) -> pb.SentStats:
    return pb.SentStats(
        identified=sent.identified,
        anonymous=sent.anonymous,
        aggregate=sent.aggregate,
        off=sent.off,
        total=sent.total,
        margin=sent.margin,
    )


def _signal(signal: Signal) -> pb.SignalStats:
    return pb.SignalStats(
        human=_engagement(signal.human),
        machine=_engagement(signal.machine),
    )


def _engagement(engagement: Engagement) -> pb.EngagementStats:
    return pb.EngagementStats(
        identified=_count(engagement.identified),
        anonymous=_people(engagement.anonymous, engagement.anonymous_total),
        aggregate=_events(engagement.aggregate),
        combined=_people(engagement.combined),
    )


def _people(estimate: Estimate | None, total: int = 0) -> pb.Estimate | None:
    if estimate is None:
        return None
    return pb.Estimate(
        total=total, unique=estimate.value, margin=estimate.margin, is_noise=estimate.is_noise
    )


def _events(estimate: Estimate | None) -> pb.Estimate | None:
    if estimate is None:
        return None
    return pb.Estimate(total=estimate.value, margin=estimate.margin, is_noise=estimate.is_noise)


def _count(count: Count) -> pb.Count:
    return pb.Count(total=count.total, unique=count.unique)


def _rates(rates: Rates) -> pb.Rates:
    return pb.Rates(
        open_rate=_rate(rates.open_rate),
        click_through_rate=_rate(rates.click_through_rate),
        click_to_open_rate=_rate(rates.click_to_open_rate),
    )


def _rate(rate: Rate) -> pb.Rate:
    return pb.Rate(
        combined=rate.combined,
        identified=rate.identified,
        anonymous=rate.anonymous,
        margin=rate.margin,
    )
