"""The page of a campaign, its exports, its printable page, and its live updates."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from hushpost_client import CampaignStats, Hushpost, LinkStats, StatsView
from hushpost_dashboard.campaign_address import (
    CampaignDocument,
    campaign_path,
    parse_campaign_path,
)
from hushpost_dashboard.live_reports import EndReason, LiveReports, TooManyWatchersError, Update
from hushpost_dashboard.message_flags import MessageFlags
from hushpost_dashboard.page_templates import PageTemplates
from hushpost_dashboard.report.chart_data import people_chart, time_chart
from hushpost_dashboard.report.list_view import PAGE_SIZE, ListQuery, ListView
from hushpost_dashboard.report.message_picture import message_picture
from hushpost_dashboard.report.rows import GROUP_COLUMNS, LINK_COLUMNS, group_rows, link_rows
from hushpost_dashboard.report.summary import summary
from hushpost_dashboard.report.time_series import time_series
from hushpost_dashboard.session_cookie import SessionCookie
from hushpost_documents.reports import stats_csv, stats_json

__all__ = ["CampaignPage", "live_document"]

_MAX_PAGE_SIZE = 1_000
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_PING_SECONDS = 15
_RECONNECT_MILLISECONDS = 3_000
_SEND_TIMEOUT_SECONDS = 20.0
_PARTS = ("tiles", "release", "machines", "totals", "hours", "reading")
"""The parts of the page that live updates replace: templates, and elements `part-…`."""

_PICTURE_HEADERS = {
    # Sandboxed also if the picture is opened on its own: no scripts, forms or plugins, and an
    # origin of its own.
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "x-dns-prefetch-control": "off",
}


class CampaignPage:
    """Serves everything below `/campaigns/`."""

    def __init__(
        self, templates: PageTemplates, live: LiveReports, session_cookie: SessionCookie
    ) -> None:
        self._templates = templates
        self._live = live
        self._session_cookie = session_cookie
        self._message_flags = MessageFlags()

    def routes(self) -> list[Route]:
        """Return the route of all documents about campaigns."""
        return [Route("/campaigns/{path:path}", self.show)]

    async def show(self, request: Request) -> Response:
        """Return the document that the address names."""
        parsed = parse_campaign_path(request.scope["raw_path"], request.query_params)
        if parsed is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        campaign_id, document = parsed
        show = {
            CampaignDocument.PAGE: self._page,
            CampaignDocument.CSV: self._csv,
            CampaignDocument.JSON: self._json,
            CampaignDocument.EVENTS: self._events,
            CampaignDocument.MESSAGE: self._message,
            CampaignDocument.PRINT: self._print,
        }
        return await show[document](request, campaign_id)

    async def _page(self, request: Request, campaign_id: str) -> Response:
        hushpost: Hushpost = request.state.hushpost
        parameters = request.query_params
        groups = ListQuery.of_parameters("groups", GROUP_COLUMNS, "-sent", parameters)
        links = ListQuery.of_parameters("links", LINK_COLUMNS, "-clicks", parameters)
        campaign, stats, group_page, link_page, has_message = await asyncio.gather(
            hushpost.campaigns.get_campaign(campaign_id),
            hushpost.stats.get_campaign_stats(campaign_id, view=StatsView.HOURLY),
            hushpost.stats.group_stats_page(
                campaign_id,
                filter=groups.search,
                order_by=groups.order_by,
                page_size=PAGE_SIZE,
                skip=groups.skip,
            ),
            hushpost.stats.link_stats_page(
                campaign_id,
                filter=links.search,
                order_by=links.order_by,
                page_size=PAGE_SIZE,
                skip=links.skip,
            ),
            self._message_flags.has_message(hushpost, request.state.session.api_key, campaign_id),
        )
        path = campaign_path(campaign_id)
        group_list = ListView(
            groups, GROUP_COLUMNS, group_page.total_size, path, links.parameters(page=links.page)
        )
        link_list = ListView(
            links, LINK_COLUMNS, link_page.total_size, path, groups.parameters(page=groups.page)
        )
        for listed in (group_list, link_list):
            if listed.query.page > listed.pages:
                return RedirectResponse(listed.page_href(listed.pages), HTTPStatus.SEE_OTHER)
        return self._templates.render(
            request,
            "campaign.html",
            **_report(stats),
            campaign=campaign,
            title=campaign.display_name or campaign.campaign_id,
            address=lambda document: campaign_path(campaign_id, document),
            groups=group_list,
            group_rows=group_rows(group_page.items),
            other_groups=next(iter(group_rows(filter(None, [group_page.other_groups]))), None),
            links=link_list,
            link_rows=link_rows(link_page.items, stats),
            has_message=has_message,
            has_charts=self._templates.has_charts,
        )

    async def _print(self, request: Request, campaign_id: str) -> Response:
        hushpost: Hushpost = request.state.hushpost
        campaign, stats = await asyncio.gather(
            hushpost.campaigns.get_campaign(campaign_id),
            hushpost.stats.get_campaign_stats(campaign_id),
        )
        return self._templates.render(
            request,
            "campaign_print.html",
            **_report(stats),
            campaign=campaign,
            title=campaign.display_name or campaign.campaign_id,
            page=campaign_path(campaign_id),
            now=datetime.now(UTC),
            group_columns=GROUP_COLUMNS,
            group_rows=group_rows(stats.groups),
            other_groups=next(iter(group_rows(filter(None, [stats.other_groups]))), None),
            link_columns=LINK_COLUMNS,
            link_rows=link_rows(stats.links, stats),
        )

    async def _csv(self, request: Request, campaign_id: str) -> Response:
        stats = await request.state.hushpost.stats.get_campaign_stats(campaign_id)
        return _download(
            stats.campaign_id, stats_csv(stats), "text/csv; charset=utf-8; header=present", "csv"
        )

    async def _json(self, request: Request, campaign_id: str) -> Response:
        stats = await request.state.hushpost.stats.get_campaign_stats(campaign_id)
        return _download(stats.campaign_id, stats_json(stats, indent=2), "application/json", "json")

    async def _message(self, request: Request, campaign_id: str) -> Response:
        hushpost: Hushpost = request.state.hushpost
        html, stats, links = await asyncio.gather(
            hushpost.campaigns.get_campaign_message(campaign_id),
            hushpost.stats.get_campaign_stats(campaign_id, view=StatsView.SUMMARY),
            _links(hushpost, campaign_id),
        )
        rows = {row.number: row for row in link_rows(links, stats)}
        # Parsing a large message takes long.
        picture = await asyncio.to_thread(message_picture, html, links, rows)
        return HTMLResponse(picture, headers=_PICTURE_HEADERS)

    async def _events(self, request: Request, campaign_id: str) -> Response:
        return EventSourceResponse(
            self._event_stream(request, campaign_id),
            ping=_PING_SECONDS,
            send_timeout=_SEND_TIMEOUT_SECONDS,
        )

    async def _event_stream(
        self, request: Request, campaign_id: str
    ) -> AsyncIterator[ServerSentEvent]:
        """Yield the present numbers of the page, then every change."""

        def is_signed_in() -> bool:
            return self._session_cookie.open(request) is not None

        try:
            async with self._live.watch(
                request.state.session, campaign_id, is_signed_in
            ) as updates:
                yield ServerSentEvent(comment="watching", retry=_RECONNECT_MILLISECONDS)
                async for update in updates:
                    yield _event(update)
        except TooManyWatchersError:
            yield _event(EndReason.BUSY)


def live_document(templates: PageTemplates, stats: CampaignStats) -> str:
    """Return the parts of a campaign's page that change, as JSON for its script."""
    report = _report(stats)
    numbers = report["report"]
    return json.dumps(
        {
            "parts": {
                name: templates.fragment(f"campaign/{name}.html", **report) for name in _PARTS
            },
            "charts": report["charts"],
            "announcement": f"{numbers.opened.people.spoken} people opened, "
            f"{numbers.clicked.people.spoken} clicked.",
        }
    )


def _report(stats: CampaignStats) -> dict[str, Any]:
    """Return what the templates show of the whole campaign."""
    report, series = summary(stats), time_series(stats.hours)
    charts = {"people": people_chart(report), "time": time_chart(series)}
    return {"report": report, "series": series, "charts": charts}


def _event(update: Update | EndReason) -> ServerSentEvent:
    if isinstance(update, EndReason):
        return ServerSentEvent(update.value, event="end")
    if not update.is_current:
        return ServerSentEvent("", event="stale")
    return ServerSentEvent(update.document or "{}", event="report")


async def _links(hushpost: Hushpost, campaign_id: str) -> list[LinkStats]:
    listed = hushpost.stats.list_link_stats(campaign_id, page_size=_MAX_PAGE_SIZE)
    return [link async for link in listed]


def _download(campaign_id: str, content: str, media_type: str, ending: str) -> Response:
    """Return a file to save. An id can be any text; its name has what is safe in file names."""
    name = _UNSAFE.sub("-", campaign_id).strip("-") or "campaign"
    headers: Mapping[str, str] = {
        "content-disposition": f'attachment; filename="{name}-statistics.{ending}"'
    }
    return Response(content, media_type=media_type, headers=headers)
