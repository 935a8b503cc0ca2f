"""StatsService: statistics of campaigns. Called by dashboards."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import stats_pb2 as pb
from hushpost.v1.stats_pb2_grpc import StatsServiceServicer
from hushpost_service.domain.counters import Count
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.estimates import Estimate
from hushpost_service.domain.validation import checked_page_size
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.rpc.convert import timestamp
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import page_start, page_token
from hushpost_service.stats.engagement import Engagement, Rate, Rates, Sent, Signal
from hushpost_service.stats.report import CampaignReport, GroupReport, ReleaseInfo, build_report
from hushpost_service.stats.service import CampaignNumbers, Stats
from hushpost_service.stats.watching import CampaignWatching

__all__ = ["StatsServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

_LAST_SIGNAL = 2**31 - 1
"""No signal is greater: a click's signal is its link number, an int32."""


class StatsServicer(StatsServiceServicer):
    """Serves StatsService."""

    def __init__(self, stats: Stats, shutdown: GracefulShutdown) -> None:
        self._stats = stats
        self._watching = CampaignWatching(stats, _watch_response, shutdown)

    async def GetCampaignStats(
        self, request: pb.GetCampaignStatsRequest, context: Context
    ) -> pb.GetCampaignStatsResponse:
        """Return the report of a campaign."""
        tenant = current_caller().tenant(request.tenant_id)
        numbers = await self._stats.campaign(tenant, request.campaign_id)
        return pb.GetCampaignStatsResponse(stats=_campaign_stats(build_report(numbers)))

    async def WatchCampaignStats(
        self, request: pb.WatchCampaignStatsRequest, context: Context
    ) -> AsyncIterator[pb.WatchCampaignStatsResponse]:
        """Stream the report of a campaign: the present one, then each that differs."""
        tenant = current_caller().tenant(request.tenant_id)
        async with aclosing(self._watching.watch(tenant, request.campaign_id)) as responses:
            async for response in responses:
                yield response

    async def ListEngagedContacts(
        self, request: pb.ListEngagedContactsRequest, context: Context
    ) -> pb.ListEngagedContactsResponse:
        """Return a page of identified contacts that opened or clicked."""
        tenant = current_caller().tenant(request.tenant_id)
        size = checked_page_size(request.page_size)
        (start,) = page_start("engaged", request.page_token) or (0,)
        found = await self._stats.engaged_contacts(
            tenant,
            request.campaign_id,
            signals=_signals(request),
            after=start,
            limit=size + 1,
            include_machine=request.include_machine,
        )
        page = found[:size]
        return pb.ListEngagedContactsResponse(
            contacts=[
                pb.EngagedContact(
                    contact_id=contact.contact_id,
                    open_count=contact.opens,
                    click_count=contact.clicks,
                    first_event_time=timestamp(contact.first_event_time),
                    last_event_time=timestamp(contact.last_event_time),
                )
                for contact in page
            ],
            next_page_token=page_token("engaged", page[-1].number) if found[size:] else "",
        )


def _signals(request: pb.ListEngagedContactsRequest) -> tuple[int, int]:
    """Return the first and last signal of the range that the contacts' events must be in."""
    link = request.link_number
    if link and request.engagement != pb.ENGAGEMENT_CLICKED:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "link_number requires engagement CLICKED",
            {"field": "link_number"},
        )
    if link < 0:
        raise HushpostError(Reason.LINK_NOT_FOUND, "the campaign has no link with that number")
    ranges = {
        pb.ENGAGEMENT_UNSPECIFIED: (0, _LAST_SIGNAL),
        pb.ENGAGEMENT_ANY: (0, _LAST_SIGNAL),
        pb.ENGAGEMENT_OPENED: (0, 0),
        pb.ENGAGEMENT_CLICKED: (link or 1, link or _LAST_SIGNAL),
    }
    if request.engagement not in ranges:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "engagement must be one of ANY, OPENED, CLICKED",
            {"field": "engagement"},
        )
    return ranges[request.engagement]


def _watch_response(numbers: CampaignNumbers) -> pb.WatchCampaignStatsResponse:
    return pb.WatchCampaignStatsResponse(stats=_campaign_stats(build_report(numbers)))


def _campaign_stats(report: CampaignReport) -> pb.CampaignStats:
    others = report.other_groups
    return pb.CampaignStats(
        campaign_id=report.campaign_id,
        sent=_sent(report.sent),
        clicks_sent=_sent(report.clicks_sent),
        opens=_signal(report.opens),
        clicks=_signal(report.clicks),
        rates=_rates(report.rates),
        groups=map(_group, report.groups),
        links=[
            pb.LinkStats(
                link_number=link.number,
                url=link.url,
                label=link.label,
                clicks=_signal(link.clicks),
            )
            for link in report.links
        ],
        hours=[
            pb.HourStats(
                start_time=Timestamp(seconds=hour.hour * 3600),
                sent=_sent(hour.sent),
                opens=_signal(hour.opens),
                clicks=_signal(hour.clicks),
            )
            for hour in report.hours
        ],
        release=_release(report.release),
        other_groups=None if others is None else _group(others),
    )


def _release(release: ReleaseInfo) -> pb.ReleaseInfo:
    return pb.ReleaseInfo(
        exact=release.is_exact,
        epsilon=release.epsilon,
        release_time=timestamp(release.release_time),
        next_release_time=timestamp(release.next_release_time),
    )


def _group(group: GroupReport) -> pb.GroupStats:
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
