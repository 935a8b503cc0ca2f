"""Numbers as they are on the wire."""

from hushpost.v1 import stats_pb2
from hushpost_client import _stats_types as types
from hushpost_client._words_proto import from_timestamp

__all__ = ["campaign_stats", "engaged_contact"]


def campaign_stats(message: stats_pb2.CampaignStats) -> types.CampaignStats:
    """Convert the numbers of a campaign."""
    return types.CampaignStats(
        message.campaign_id,
        message.quorum,
        _sent(message.sent),
        _signal(message.opens),
        _signal(message.clicks),
        _rates(message.rates),
        tuple(map(_group, message.groups)),
        tuple(map(_link, message.links)),
        tuple(map(_hour, message.hours)),
    )


def engaged_contact(message: stats_pb2.EngagedContact) -> types.EngagedContact:
    """Convert a contact that engaged."""
    return types.EngagedContact(
        message.contact_id,
        message.open_count,
        message.click_count,
        from_timestamp(message.first_event_time),
        from_timestamp(message.last_event_time),
    )


def _group(message: stats_pb2.GroupStats) -> types.GroupStats:
    return types.GroupStats(
        message.group_id,
        _sent(message.sent),
        _signal(message.opens),
        _signal(message.clicks),
        _rates(message.rates),
    )


def _link(message: stats_pb2.LinkStats) -> types.LinkStats:
    return types.LinkStats(message.link_number, message.url, message.label, _signal(message.clicks))


def _hour(message: stats_pb2.HourStats) -> types.HourStats:
    return types.HourStats(
        from_timestamp(message.start_time),
        _sent(message.sent),
        _signal(message.opens),
        _signal(message.clicks),
    )


def _sent(message: stats_pb2.SentStats) -> types.SentStats:
    return types.SentStats(message.identified, message.anonymous, message.aggregate, message.off)


def _signal(message: stats_pb2.SignalStats) -> types.SignalStats:
    return types.SignalStats(_engagement(message.human), _engagement(message.machine))


def _engagement(message: stats_pb2.EngagementStats) -> types.EngagementStats:
    return types.EngagementStats(
        _count(message.identified),
        _count(message.anonymous),
        _count(message.aggregate),
        message.held_back,
    )


def _count(message: stats_pb2.Count) -> types.Count:
    return types.Count(message.total, message.unique)


def _rates(message: stats_pb2.Rates) -> types.Rates:
    return types.Rates(
        _rate(message.open_rate),
        _rate(message.click_through_rate),
        _rate(message.click_to_open_rate),
    )


def _rate(message: stats_pb2.Rate) -> types.Rate:
    return types.Rate(message.combined, message.identified, message.anonymous)
