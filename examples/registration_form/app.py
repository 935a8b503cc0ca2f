"""A sign-up form that stores consent to tracking, with evidence.

docs/how-to/registration-form.md shows how to run it, and explains it.
"""

# ruff: noqa: INP001 - a script, not part of a package
import hashlib
import os
import re
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from hushpost_client import Consent, DecisionDetails, Hushpost, HushpostError

HERE = Path(__file__).parent
ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,63}")
PURPOSES = ("opens", "clicks")
CSP = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {"cache-control": "no-store", "content-security-policy": CSP}


@dataclass(frozen=True)
class Wording:
    """The texts of the form in one language; the version is their digest."""

    language: str
    version: str
    texts: Mapping[str, str]


class RegistrationForm:
    """Registers subscribers, and stores their consent with the authority first."""

    def __init__(self, hushpost: Hushpost, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._hushpost = hushpost
        self._subscribers = data / "subscribers.db"
        self._templates = Jinja2Templates(HERE / "templates")
        with closing(sqlite3.connect(self._subscribers)) as database:
            database.execute("create table if not exists subscribers (address text primary key)")
        texts = sorted((HERE / "texts").glob("*.toml"))
        self._wordings = {file.stem: _archived(file, data / "wordings") for file in texts}

    def routes(self) -> list[BaseRoute]:
        """Return what the application serves."""
        return [
            Route("/", self.show),
            Route("/", self.register, methods=["POST"]),
            Route("/thanks", self.thank),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    async def show(self, request: Request) -> Response:
        """Show the empty form. Nothing is ticked."""
        return self._page(request, "form.html")

    async def thank(self, request: Request) -> Response:
        """Confirm a registration, in the same words for a repeated one."""
        return self._page(request, "thanks.html")

    async def register(self, request: Request) -> Response:
        """Store the consent, then the subscriber; or say that neither is certain."""
        form = dict(await request.form(max_files=0, max_fields=8))
        wording = self._wording(request)
        address = str(form.get("address", "")).strip().lower()
        if not ADDRESS.fullmatch(address):
            return self._page(request, "form.html", 422, form=form, error="invalid_address")
        if form.get("wording") != wording.version:
            # Consent is to a text that the person has read: the boxes are empty again.
            form = {"address": address}
            return self._page(request, "form.html", 409, form=form, error="text_changed")
        with closing(sqlite3.connect(self._subscribers)) as database:
            known = database.execute("select 1 from subscribers where address = ?", [address])
            if known.fetchone() is None:
                try:
                    await self._store_consent(address, form, wording)
                except HushpostError:
                    return self._page(request, "form.html", 503, form=form, error="unavailable")
                database.execute("insert or ignore into subscribers values (?)", [address])
                database.commit()
        # Subscribers get the same page, so that it does not tell who is subscribed.
        return RedirectResponse(f"/thanks?lang={wording.language}", 303)

    async def _store_consent(self, address: str, form: Mapping[str, Any], wording: Wording) -> None:
        # An empty box is a refusal: silence is no consent, whatever the policy makes of UNKNOWN.
        ticked = [purpose in form for purpose in PURPOSES]
        opens, clicks = (Consent.GRANTED if each else Consent.DENIED for each in ticked)
        await self._hushpost.preferences.set_preference(
            # Sent again after an error, the form finds the same contact.
            str(uuid5(NAMESPACE_URL, f"mailto:{address}")),
            opens_consent=opens,
            clicks_consent=clicks,
            details=DecisionDetails(
                source_id="registration-form",
                wording_version=wording.version,
                wording_language=wording.language,
                decision_time=datetime.now(UTC),
            ),
            evidence=f"boxes ticked: opens {ticked[0]}, clicks {ticked[1]}",
            timeout=10,
        )

    def _wording(self, request: Request) -> Wording:
        """Return the texts in the chosen language, or in the browser's."""
        accepted = request.headers.get("accept-language", "").lower().split(",")
        for tag in (request.query_params.get("lang", ""), *accepted):
            if found := self._wordings.get(tag.strip()[:2]):
                return found
        return self._wordings["en"]

    def _page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        shown = {"form": {}, "error": "", **values}
        shown |= {"wording": self._wording(request), "languages": self._wordings}
        return self._templates.TemplateResponse(request, name, shown, status, HEADERS)


def _archived(file: Path, archive: Path) -> Wording:
    """Read texts, and keep a copy under their version, to show later what was agreed to."""
    content = file.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:16]
    archive.mkdir(parents=True, exist_ok=True)
    (archive / f"{file.stem}-{version}.toml").write_bytes(content)
    return Wording(file.stem, version, tomllib.loads(content.decode()))


def create_app() -> Starlette:
    """Return the application, configured by the environment."""

    @asynccontextmanager
    async def connected(app: Starlette) -> AsyncIterator[None]:
        authority = os.environ.get("HUSHPOST_AUTHORITY", "localhost:50051")
        connection = Hushpost.connect(authority, api_key=os.environ["HUSHPOST_API_KEY"])
        async with connection as hushpost:
            form = RegistrationForm(hushpost, Path(os.environ.get("FORM_DATA", "data")))
            app.router.routes.extend(form.routes())
            yield

    return Starlette(lifespan=connected)
