"""The preference page, `/p/<preference token>`: what is recorded, and the recipient's choice.

GET and HEAD change nothing, because mail gateways fetch all links. Only a submitted form does.
There is no CSRF token: the page knows no cookie and no session, so a forged request would need
the preference token, and that alone is the permission to decide.

Nothing is stored here. A choice is either with the authority, or the page says otherwise.
"""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hushpost_client import (
    CallCancelledError,
    DeadlineExceededError,
    DecisionDetails,
    DoNotTrack,
    ErrorReason,
    HushpostError,
    InternalError,
    Preference,
    Preferences,
    RecipientView,
    UnavailableError,
    UnknownError,
)
from hushpost_edge import metrics
from hushpost_edge.languages import language_of
from hushpost_edge.page_branding import BrandedPage, branded_page
from hushpost_edge.page_templates import PageTemplates
from hushpost_edge.preference_form import Consents, chosen_consents
from hushpost_runtime.form import read_form

__all__ = ["PreferencePage"]

_TOKEN = re.compile("[A-Za-z0-9_-]{46}")
_PAGE = "preferences.html"
_PROBLEM_PAGE = "preference_problem.html"
_RETRY_SECONDS = "30"

_READ_TIMEOUT_SECONDS = 3.0
_SET_TIMEOUT_SECONDS = 10.0
"""Longer than an opt-out takes. Together with the other, shorter than proxies wait (15 s)."""
_MAX_CONCURRENT_REQUESTS = 32
"""Protects the authority from requests with invented tokens."""

_DAMAGED = frozenset(
    (
        ErrorReason.TOKEN_INVALID,
        ErrorReason.TOKEN_KEY_UNKNOWN,
        # Of a tenant that this edge does not serve.
        ErrorReason.TENANT_NOT_ALLOWED,
    )
)
_UNCERTAIN = (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)
"""Errors after which a write may have been committed."""


_UNKNOWN_VIEW = RecipientView(
    sender_name=None,
    opens_decided_by_recipient=False,
    clicks_decided_by_recipient=False,
    last_open_recorded=False,
)
"""Of an authority that is older than this edge."""

_Handler = Callable[[Request, str], Awaitable[Response]]


class PreferencePage:
    """Serves the preference pages of one worker."""

    def __init__(self, preferences: Preferences, templates: PageTemplates) -> None:
        self._preferences = preferences
        self._templates = templates
        self._requests = 0

    def routes(self) -> list[Route]:
        """Return the routes below `/p/`."""
        return [
            Route("/p/{token}", self.show),
            Route("/p/{token}", self.decide, methods=["POST"]),
            # Mail programs without one-click open its address in a browser.
            Route("/p/{token}/one-click", self.show),
            Route("/p/{token}/one-click", self.withdraw, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show what is recorded now. Changes nothing."""
        return await self._guarded(request, self._show)

    async def decide(self, request: Request) -> Response:
        """Store what the person chose with a form, and confirm it."""
        return await self._guarded(request, self._decide)

    async def withdraw(self, request: Request) -> Response:
        """Decline tracking of opens and clicks by the one-click POST of RFC 8058."""
        return await self._guarded(request, self._withdraw)

    async def _guarded(self, request: Request, handle: _Handler) -> Response:
        """Handle a request if its token may be genuine and there are not too many others."""
        token: str = request.path_params["token"]
        if _TOKEN.fullmatch(token) is None:
            return self._problem(request, "damaged", HTTPStatus.NOT_FOUND)
        if self._requests >= _MAX_CONCURRENT_REQUESTS:
            return self._unavailable(request, "unavailable")
        self._requests += 1
        try:
            return await handle(request, token)
        except HushpostError as error:
            return self._failed(request, error)
        finally:
            self._requests -= 1

    async def _show(self, request: Request, token: str) -> Response:
        return self._page(request, await self._read(token))

    async def _decide(self, request: Request, token: str) -> Response:
        form = await read_form(request)
        preference = await self._read(token)
        before = Consents.of(preference)
        wanted = chosen_consents(form, before)
        if wanted is None:
            return self._page(request, preference, HTTPStatus.BAD_REQUEST, is_incomplete=True)
        source = "preference-page/undo" if form.get("choice") == "undo" else "preference-page"
        try:
            preference = await self._preferences.set_preference_by_token(
                token,
                opens_consent=wanted.opens,
                clicks_consent=wanted.clicks,
                details=self._details(*_look(request, preference), source),
                timeout=_SET_TIMEOUT_SECONDS,
            )
        except _UNCERTAIN:
            return self._unavailable(request, "uncertain")
        return self._page(request, preference, before=before)

    async def _withdraw(self, request: Request, token: str) -> Response:
        if (await read_form(request)).get("List-Unsubscribe") != "One-Click":
            return PlainTextResponse("List-Unsubscribe=One-Click is missing\n", 400)
        await self._preferences.set_preference_by_token(
            token,
            DoNotTrack.TRUE,
            details=DecisionDetails(source_id="one-click"),
            timeout=_SET_TIMEOUT_SECONDS,
        )
        return PlainTextResponse("Individual tracking of opens and clicks is declined.\n")

    async def _read(self, token: str) -> Preference:
        return await self._preferences.get_preference_by_token(token, timeout=_READ_TIMEOUT_SECONDS)

    def _details(self, language: str, brand: BrandedPage, source: str) -> DecisionDetails:
        return DecisionDetails(
            source_id=source,
            wording_version=self._templates.version(_PAGE, language, brand),
            wording_language=language,
        )

    def _page(
        self,
        request: Request,
        preference: Preference,
        status: int = HTTPStatus.OK,
        *,
        before: Consents | None = None,
        is_incomplete: bool = False,
    ) -> Response:
        """Return the page. `before` is what a choice that has just been stored replaced."""
        language, brand = _look(request, preference)
        return self._templates.render(
            _PAGE,
            language,
            status,
            brand,
            preference=preference,
            view=_view(preference),
            before=before,
            is_change=before is not None and before != Consents.of(preference),
            is_incomplete=is_incomplete,
            action=_action(request),
        )

    def _failed(self, request: Request, error: HushpostError) -> Response:
        if error.reason in _DAMAGED:
            return self._problem(request, "damaged", HTTPStatus.NOT_FOUND)
        if error.reason == ErrorReason.CONTACT_ERASED:
            # The link is genuine, and the page says all there is to say: not an error.
            return self._problem(request, "erased", HTTPStatus.OK)
        return self._unavailable(request, "unavailable")

    def _unavailable(self, request: Request, problem: str) -> Response:
        response = self._problem(request, problem, HTTPStatus.SERVICE_UNAVAILABLE)
        response.headers["retry-after"] = _RETRY_SECONDS
        return response

    def _problem(self, request: Request, problem: str, status: int) -> Response:
        metrics.REQUESTS_WITHOUT_EVENT.labels(f"preference_{problem}").inc()
        return self._templates.render(_PROBLEM_PAGE, language_of(request), status, problem=problem)


def _view(preference: Preference) -> RecipientView:
    return preference.recipient_view or _UNKNOWN_VIEW


def _look(request: Request, preference: Preference) -> tuple[str, BrandedPage]:
    """Return the language and the branding of a page."""
    branding = _view(preference).branding
    language = language_of(request, branding.default_language)
    return language, branded_page(branding, language)


def _action(request: Request) -> str:
    """Return the address of the forms; relative, as a proxy may serve the page elsewhere."""
    return f"../{request.path_params['token']}" if request.url.path.endswith("/one-click") else ""
