"""Reads the numbers of several campaigns at a time."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hushpost_client import (
    Campaign,
    CampaignStats,
    Hushpost,
    HushpostError,
    PermissionDeniedError,
    StatsView,
    UnauthenticatedError,
)
from hushpost_dashboard.report.summary import Summary, summary
from hushpost_dashboard.sparkline import Sparkline, sparkline

__all__ = ["CampaignRow", "read_rows"]

_MAX_CONCURRENT_CALLS = 8
_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """A campaign with its numbers.

    Attributes:
        campaign: The campaign.
        stats: Its totals and hours; None if they could not be read.
        summary: The same totals, as pages show them; None if they could not be read.
        sparkline: Its opens over time; None if there are none.
    """

    campaign: Campaign
    stats: CampaignStats | None
    summary: Summary | None
    sparkline: Sparkline | None

    @property
    def name(self) -> str:
        """The name to show: the display name, or else the id."""
        return self.campaign.display_name or self.campaign.campaign_id


async def read_rows(hushpost: Hushpost, campaigns: Iterable[Campaign]) -> Sequence[CampaignRow]:
    """Return the campaigns in their order.

    A campaign whose numbers cannot be read does not keep the page from showing the others.

    Raises UnauthenticatedError, PermissionDeniedError: the session has ended.
    """
    limit = asyncio.Semaphore(_MAX_CONCURRENT_CALLS)

    async def read(campaign: Campaign) -> CampaignRow:
        async with limit:
            try:
                stats = await hushpost.stats.get_campaign_stats(
                    campaign.campaign_id, view=StatsView.HOURLY, timeout=_TIMEOUT_SECONDS
                )
            except (UnauthenticatedError, PermissionDeniedError):
                raise
            except HushpostError:
                return CampaignRow(campaign=campaign, stats=None, summary=None, sparkline=None)
        return CampaignRow(
            campaign=campaign,
            stats=stats,
            summary=summary(stats),
            sparkline=sparkline(stats.hours),
        )

    return await asyncio.gather(*map(read, campaigns))
