"""The comparison of up to five campaigns."""

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hushpost_client import Campaign, Hushpost, InvalidArgumentError, NotFoundError
from hushpost_dashboard.campaign_query import MAX_COMPARED, CampaignQuery, compared_campaigns
from hushpost_dashboard.campaign_rows import read_rows
from hushpost_dashboard.comparison import courses, rate_charts
from hushpost_dashboard.page_templates import PageTemplates

__all__ = ["Comparison"]


class Comparison:
    """Serves `/compare`."""

    def __init__(self, templates: PageTemplates) -> None:
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return the route of the comparison."""
        return [Route("/compare", self.show)]

    async def show(self, request: Request) -> Response:
        """Show the chosen campaigns side by side; the first five if there are more."""
        hushpost: Hushpost = request.state.hushpost
        wanted = compared_campaigns(request.query_params)
        found = await asyncio.gather(
            *(_find(hushpost, campaign_id) for campaign_id in wanted[:MAX_COMPARED])
        )
        rows = await read_rows(hushpost, filter(None, found))
        chosen = tuple(row.campaign.campaign_id for row in rows)
        return self._templates.render(
            request,
            "compare.html",
            rows=rows,
            charts=rate_charts(rows),
            courses=courses(rows, datetime.now(UTC)),
            left_out=len(wanted) - len(rows),
            is_too_many=len(wanted) > MAX_COMPARED,
            max_compared=MAX_COMPARED,
            query=CampaignQuery(compared=chosen),
        )


async def _find(hushpost: Hushpost, campaign_id: str) -> Campaign | None:
    try:
        return await hushpost.campaigns.get_campaign(campaign_id)
    except (InvalidArgumentError, NotFoundError):
        return None
