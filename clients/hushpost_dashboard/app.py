"""The composition root of the dashboard: the ASGI application and its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from hushpost_dashboard.authentication import Authentication
from hushpost_dashboard.connection import AuthorityClients, connect
from hushpost_dashboard.error_pages import ErrorPages
from hushpost_dashboard.live_reports import LiveReports
from hushpost_dashboard.login_limit import LoginLimit
from hushpost_dashboard.metrics import metrics
from hushpost_dashboard.next_page import FIRST_PAGE
from hushpost_dashboard.page_templates import PageTemplates
from hushpost_dashboard.pages.campaign import CampaignPage, live_document
from hushpost_dashboard.pages.campaigns import CampaignList
from hushpost_dashboard.pages.compare import Comparison
from hushpost_dashboard.pages.sign_in import SignIn
from hushpost_dashboard.request_origin import RequestOrigin
from hushpost_dashboard.security_headers import SecurityHeaders
from hushpost_dashboard.session_cookie import SessionCookie
from hushpost_dashboard.sessions import Sessions, session_cipher
from hushpost_dashboard.settings import Settings
from hushpost_dashboard.static_files import VersionedFiles
from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.connection_drain import ConnectionDrain, drain_response
from hushpost_runtime.http_server import before_shutdown, stop_with_parent
from hushpost_runtime.logging import configure_logging
from hushpost_runtime.settings import read_settings

__all__ = ["build_app", "create_app"]

_log = structlog.get_logger(__name__)

_MIN_COMPRESSED_BYTES = 1_000


def create_app() -> ASGIApp:
    """Create the ASGI application; Granian calls this in the worker process."""
    settings = read_settings(Settings)
    configure_logging(settings.log_level)
    stop_with_parent(settings.drain_seconds)
    return build_app(settings)


def build_app(settings: Settings) -> ASGIApp:
    """Compose the application."""
    origin = RequestOrigin(AddressRanges(settings.trusted_proxies.split(",")))
    sessions = Sessions(session_cipher(settings.session_key_file))
    session_cookie = SessionCookie(sessions, origin)
    create_client = connect(settings)
    clients = AuthorityClients(create_client)
    templates = PageTemplates()
    errors = ErrorPages(templates, session_cookie)
    live = LiveReports(clients, partial(live_document, templates))
    sign_in = SignIn(session_cookie, create_client, LoginLimit(), origin, templates)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        drain.start_on_sigterm()
        before_shutdown(live.close)
        _log.info("listening", address=settings.listen)
        yield
        await clients.close()
        _log.info("stopped")

    app = Starlette(
        routes=[
            Route("/", _first_page),
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
            Route("/metrics", metrics),
            Mount("/static", VersionedFiles()),
            *sign_in.routes(),
            *CampaignList(templates).routes(),
            *Comparison(templates).routes(),
            *CampaignPage(templates, live, session_cookie).routes(),
        ],
        middleware=[
            Middleware(GZipMiddleware, minimum_size=_MIN_COMPRESSED_BYTES),
            Middleware(
                Authentication,
                session_cookie=session_cookie,
                clients=clients,
                templates=templates,
                errors=errors,
            ),
        ],
        exception_handlers=errors.handlers(),
        lifespan=lifespan,
    )
    # Starlette would build the redirect to a path with a slash from the Host header.
    app.router.redirect_slashes = False
    # Around everything, so that also the page of an unexpected error has the headers.
    drain = ConnectionDrain(SecurityHeaders(app, origin), settings.drain_seconds)
    app.state.drain = drain
    return drain


async def _first_page(_request: Request) -> Response:
    return RedirectResponse(FIRST_PAGE, 303)


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    return drain_response(request) or PlainTextResponse("ok\n")
