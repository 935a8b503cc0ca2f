"""The list of campaigns."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hushpost_client import Hushpost
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
        """Show the newest campaigns."""
        hushpost: Hushpost = request.state.hushpost
        campaigns = []
        async for campaign in hushpost.campaigns.list_campaigns(page_size=_PAGE_SIZE):
            campaigns.append(campaign)
            if len(campaigns) == _PAGE_SIZE:
                break
        return self._templates.render(request, "campaigns.html", campaigns=campaigns)
