"""The sign-in page, and signing out."""

import math
import re
import secrets
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hushpost_client import (
    ErrorReason,
    Hushpost,
    HushpostError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from hushpost_dashboard import metrics
from hushpost_dashboard.cookies import Cookie
from hushpost_dashboard.csrf import csrf_token, is_csrf_token
from hushpost_dashboard.key_check import check_key, is_plausible_key
from hushpost_dashboard.login_limit import LoginLimit
from hushpost_dashboard.next_page import FIRST_PAGE, local_path
from hushpost_dashboard.page_templates import PageTemplates
from hushpost_dashboard.request_origin import RequestOrigin
from hushpost_dashboard.session_cookie import SessionCookie
from hushpost_runtime.form import read_form

__all__ = ["SignIn"]

_SECRET = re.compile("[A-Za-z0-9_-]{43}")

_STATUS = {
    "form_expired": HTTPStatus.FORBIDDEN,
    "key_rejected": HTTPStatus.FORBIDDEN,
    "role": HTTPStatus.FORBIDDEN,
    "no_tenant": HTTPStatus.FORBIDDEN,
    "too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


class SignIn:
    """Serves `/sign-in` and `/sign-out`."""

    def __init__(
        self,
        session_cookie: SessionCookie,
        connect: Callable[[str], Hushpost],
        limit: LoginLimit,
        origin: RequestOrigin,
        templates: PageTemplates,
    ) -> None:
        self._session_cookie = session_cookie
        self._connect = connect
        self._limit = limit
        self._origin = origin
        self._templates = templates
        # The secret of the form's CSRF tokens: there is no session yet that could hold it.
        self._form_cookie = Cookie("hushpost_sign_in", origin)

    def routes(self) -> list[Route]:
        """Return the routes of signing in and out."""
        return [
            Route("/sign-in", self.show),
            Route("/sign-in", self.submit, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the form."""
        next_page = local_path(request.query_params.get("next", ""))
        if request.state.session is not None:
            return RedirectResponse(next_page, HTTPStatus.SEE_OTHER)
        return self._page(request, next_page, has_ended="ended" in request.query_params)

    async def submit(self, request: Request) -> Response:
        """Check the key, and start a session."""
        form = await read_form(request)
        next_page = local_path(_text(form.get("next")))
        secret = self._form_cookie.read(request)
        if not (secret and is_csrf_token(secret.encode(), _text(form.get("csrf_token")))):
            return self._page(request, next_page, "form_expired")
        network = self._origin.network(request)
        wait = self._limit.attempt(network)
        if wait:
            response = self._page(request, next_page, "too_many")
            response.headers["retry-after"] = str(math.ceil(wait))
            return response
        key = _text(form.get("api_key")).strip()
        problem, tenant_id = await self._check(key)
        if problem:
            return self._page(request, next_page, problem)
        self._limit.succeed(network)
        metrics.SIGN_INS.labels("ok").inc()
        response = RedirectResponse(next_page, HTTPStatus.SEE_OTHER)
        self._session_cookie.start(request, response, key, tenant_id)
        self._form_cookie.delete(request, response)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        form = await read_form(request)
        if not is_csrf_token(request.state.session.csrf_secret, _text(form.get("csrf_token"))):
            # The page was opened in an earlier session, or another site has sent the form.
            return RedirectResponse(FIRST_PAGE, HTTPStatus.SEE_OTHER)
        response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
        self._session_cookie.end(request, response)
        # Also removes pages that the browser keeps for its back button.
        response.headers["clear-site-data"] = '"cache"'
        return response

    async def _check(self, key: str) -> tuple[str | None, str | None]:
        """Return what is wrong with a key, or None and its tenant."""
        if not is_plausible_key(key):
            return "key_rejected", None
        try:
            async with self._connect(key) as hushpost:
                return None, await check_key(hushpost)
        except UnauthenticatedError:
            return "key_rejected", None
        except PermissionDeniedError as error:
            if error.reason is ErrorReason.TENANT_NOT_ALLOWED:
                return "no_tenant", None
            return "role", None
        except HushpostError:
            return "unavailable", None

    def _page(
        self,
        request: Request,
        next_page: str,
        problem: str | None = None,
        *,
        has_ended: bool = False,
    ) -> Response:
        if problem:
            metrics.SIGN_INS.labels(problem).inc()
        secret = self._form_cookie.read(request)
        if _SECRET.fullmatch(secret) is None:
            secret = secrets.token_urlsafe(32)
        response = self._templates.render(
            request,
            "sign_in.html",
            _STATUS[problem] if problem else HTTPStatus.OK,
            csrf_token=lambda: csrf_token(secret.encode()),
            next_page=next_page,
            problem=problem,
            has_ended=has_ended,
        )
        self._form_cookie.set(request, response, secret)
        return response


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
