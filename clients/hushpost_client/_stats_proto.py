"""Converts statistics from the wire."""

from hushpost.v1 import stats_pb2
from hushpost_client import _stats_types as types
from hushpost_client._enums_proto import from_timestamp

__all__ = ["campaign_stats", "engaged_contact", "group_page", "link_page"]


def campaign_stats(message: stats_pb2.CampaignStats) -> types.CampaignStats:
    """Convert the statistics of a campaign."""
    return types.CampaignStats(
        campaign_id=message.campaign_id,
        release=_release(message.release),
        sent=_sent(message.sent),
        clicks_sent=_sent(message.clicks_sent),
        opens=_signal(message.opens),
        clicks=_signal(message.clicks),
        rates=_rates(message.rates),
        groups=tuple(map(_group, message.groups)),
        other_groups=_group(message.other_groups) if message.HasField("other_groups") else None,
        links=tuple(map(_link, message.links)),
        hours=tuple(map(_hour, message.hours)),
    )


def engaged_contact(message: stats_pb2.EngagedContact) -> types.EngagedContact:
    """Convert a contact that opened or clicked."""
    return types.EngagedContact(
        contact_id=message.contact_id,
        open_count=message.open_count,
        click_count=message.click_count,
        first_event_time=from_timestamp(message.first_event_time),
        last_event_time=from_timestamp(message.last_event_time),
    )


def group_page(message: stats_pb2.ListGroupStatsResponse) -> types.StatsPage[types.GroupStats]:
    """Convert a page of groups."""
    return types.StatsPage(
        items=tuple(map(_group, message.groups)),
        next_page_token=message.next_page_token or None,
        total_size=message.total_size,
        other_groups=_group(message.other_groups) if message.HasField("other_groups") else None,
    )


def link_page(message: stats_pb2.ListLinkStatsResponse) -> types.StatsPage[types.LinkStats]:
    """Convert a page of links."""
    return types.StatsPage(
        items=tuple(map(_link, message.links)),
        next_page_token=message.next_page_token or None,
        total_size=message.total_size,
    )


def _group(message: stats_pb2.GroupStats) -> types.GroupStats:
    return types.GroupStats(
        group_id=message.group_id,
        sent=_sent(message.sent),
        clicks_sent=_sent(message.clicks_sent),
        opens=_signal(message.opens),
        clicks=_signal(message.clicks),
        rates=_rates(message.rates),
    )


def _link(message: stats_pb2.LinkStats) -> types.LinkStats:
    return types.LinkStats(
        link_number=message.link_number,
        url=message.url,
        label=message.label or None,
        clicks=_signal(message.clicks),
    )


def _hour(message: stats_pb2.HourStats) -> types.HourStats:
    return types.HourStats(
        start_time=from_timestamp(message.start_time),
        sent=_sent(message.sent),
        opens=_signal(message.opens),
        clicks=_signal(message.clicks),
    )


def _sent(message: stats_pb2.SentStats) -> types.SentStats:
    return types.SentStats(
        total=message.total,
        identified=message.identified,
        anonymous=message.anonymous,
        aggregate=message.aggregate,
        off=message.off,
        margin=message.margin,
    )


def _signal(message: stats_pb2.SignalStats) -> types.SignalStats:
    return types.SignalStats(human=_engagement(message.human), machine=_engagement(message.machine))


def _engagement(message: stats_pb2.EngagementStats) -> types.EngagementStats:
    return types.EngagementStats(
        identified=_count(message.identified),
        anonymous=_estimate(message.anonymous) if message.HasField("anonymous") else None,
        aggregate=_estimate(message.aggregate) if message.HasField("aggregate") else None,
        combined=_estimate(message.combined) if message.HasField("combined") else None,
    )


def _estimate(message: stats_pb2.Estimate) -> types.Estimate:
    return types.Estimate(message.total, message.unique, message.margin, message.is_noise)


def _count(message: stats_pb2.Count) -> types.Count:
    return types.Count(message.total, message.unique)


def _rates(message: stats_pb2.Rates) -> types.Rates:
    return types.Rates(
        open_rate=_rate(message.open_rate),
        click_through_rate=_rate(message.click_through_rate),
        click_to_open_rate=_rate(message.click_to_open_rate),
    )


def _rate(message: stats_pb2.Rate) -> types.Rate:
    return types.Rate(
        combined=message.combined,
        identified=message.identified,
        anonymous=message.anonymous,
        margin=message.margin,
    )


def _release(message: stats_pb2.ReleaseInfo) -> types.ReleaseInfo:
    return types.ReleaseInfo(
        exact=message.exact,
        epsilon=message.epsilon,
        release_time=from_timestamp(message.release_time)
        if message.HasField("release_time")
        else None,
        next_release_time=from_timestamp(message.next_release_time)
        if message.HasField("next_release_time")
        else None,
    )
