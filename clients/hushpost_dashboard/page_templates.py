"""Renders the pages. Templates escape what they insert.

All templates can use:

- `session`: the `Session` of the person who has signed in, or None.
- `csrf_token()`: a token for a hidden field `csrf_token` in each form that is posted.
- `static("style.css")`: the address of a file in `static/`, with a digest of its content.
- `campaign_path(campaign_id)`: the address of a campaign's page.
- `path`: the path of the request, to mark the present page in the navigation.
"""

import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hushpost_dashboard import number_format
from hushpost_dashboard.campaign_address import campaign_path
from hushpost_dashboard.csrf import csrf_token
from hushpost_dashboard.sessions import Session

__all__ = ["PageTemplates"]

_STATIC = files("hushpost_dashboard") / "static"


class PageTemplates:
    """The templates of the dashboard."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("hushpost_dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(static=cache(_static), campaign_path=campaign_path)
        self._environment.filters.update(number_format.FILTERS)

    @property
    def has_charts(self) -> bool:
        """Whether this installation has the chart library; `make assets` fetches it."""
        return (_STATIC / "vendor" / "chart.min.js").is_file()

    def fragment(self, name: str, **values: object) -> str:
        """Return a part of a page that does not depend on the request."""
        return self._environment.get_template(name).render(**values)

    def render(
        self, request: Request, name: str, status_code: int = 200, **values: object
    ) -> HTMLResponse:
        """Return a page."""
        session: Session | None = getattr(request.state, "session", None)

        def token() -> str:
            if session is None:
                raise LookupError("a form outside of a session needs a token of its own")
            return csrf_token(session.csrf_secret)

        values = {"csrf_token": token, **values, "session": session, "path": request.scope["path"]}
        return HTMLResponse(self._environment.get_template(name).render(**values), status_code)


def _static(name: str) -> str:
    """Return the address of a static file; the digest allows browsers to cache it for good."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:16]
    return f"/static/{name}?v={digest}"
