"""The list of campaigns: search, order, pages, and a small chart of each."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hushpost_client import Hushpost
from hushpost_dashboard.campaign_query import MAX_COMPARED, CampaignQuery
from hushpost_dashboard.campaign_rows import read_rows
from hushpost_dashboard.page_templates import PageTemplates

__all__ = ["CampaignList"]

_PAGE_SIZE = 25


class CampaignList:
    """Serves `/campaigns`."""

    def __init__(self, templates: PageTemplates) -> None:
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return the route of the list."""
        return [Route("/campaigns", self.show)]

    async def show(self, request: Request) -> Response:
        """Show a page of campaigns."""
        hushpost: Hushpost = request.state.hushpost
        query = CampaignQuery.of(request.query_params)
        skip = (query.page - 1) * _PAGE_SIZE
        found = await hushpost.campaigns.campaigns_page(
            filter=query.text or None, order_by=query.order_by, page_size=_PAGE_SIZE, skip=skip
        )
        pages = max(1, -(-found.total_size // _PAGE_SIZE))
        if query.page > pages:
            # The address is of a page that there was before, or of none.
            return RedirectResponse(query.path(page=pages), HTTPStatus.SEE_OTHER)
        return self._templates.render(
            request,
            "campaigns.html",
            query=query,
            shown={campaign.campaign_id for campaign in found.items},
            rows=await read_rows(hushpost, found.items),
            total=found.total_size,
            first=skip + 1,
            pages=pages,
            max_compared=MAX_COMPARED,
        )
