"""Renders the pages for people, in their language.

Templates escape what they insert. Pages need no scripts and load nothing: each contains its
stylesheet, so that it looks right at any address, also behind a proxy that serves it elsewhere.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from babel.dates import format_date
from babel.support import Translations
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from hushpost_edge.languages import DEFAULT, LANGUAGES, names_of_languages
from hushpost_edge.page_branding import BrandedPage

__all__ = ["PageTemplates"]

_PACKAGE = files("hushpost_edge")
_CATALOGUES = _PACKAGE / "locale"
_TEMPLATES = _PACKAGE / "templates"

_HEADERS = {
    # A proxy that changes the stylesheet would invalidate its digest.
    "cache-control": "no-store, no-transform",
    # The address of a preference page contains a token.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}

_NO_BRAND = BrandedPage()


class PageTemplates:
    """The templates in all languages."""

    def __init__(self) -> None:
        self._environments = {language: _environment(language) for language in LANGUAGES}
        self._style = (_TEMPLATES / "style.css").read_text("utf-8")
        # Computed once, because a decision should not read files.
        self._version = cache(_version)

    def render(
        self,
        name: str,
        language: str,
        status: int = 200,
        brand: BrandedPage = _NO_BRAND,
        **values: object,
    ) -> HTMLResponse:
        """Return a page as a response that is neither cached nor framed."""
        style = self._style + brand.style
        template = self._environments[language].get_template(name)
        page = template.render(style=Markup(style), brand=brand, **values)  # noqa: S704 # no user input
        headers: Mapping[str, str] = {
            **_HEADERS,
            "content-security-policy": _security_policy(style, has_image=bool(brand.logo)),
            "content-language": language,
        }
        return HTMLResponse(page, status, headers=headers)

    def version(self, name: str, language: str, brand: BrandedPage) -> str:
        """Return a digest of a template, its translation and the sender's texts, for the log.

        It changes with every change of the wording.
        """
        own = self._version(name, language)
        if not any(brand.wording):
            return own
        return hashlib.sha256("\0".join((own, *brand.wording)).encode()).hexdigest()[:16]


def _security_policy(style: str, *, has_image: bool) -> str:
    """Return a Content-Security-Policy that allows only what is inside the page, and forms."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    images = "img-src data:; " if has_image else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; {images}form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _version(name: str, language: str) -> str:
    parts = [_TEMPLATES / name]
    if language != DEFAULT:
        parts.append(_CATALOGUES / language / "LC_MESSAGES" / "messages.mo")
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("hushpost_edge"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    i18n: Any = environment
    i18n.install_gettext_translations(
        Translations.load(str(_CATALOGUES), [language]), newstyle=True
    )
    environment.globals.update(language=language, languages=names_of_languages())

    # "en" alone is American English, with the month before the day.
    locale = "en_001" if language == "en" else language

    def date(value: datetime) -> str:
        return format_date(value, format="long", locale=locale)

    environment.filters["date"] = date
    return environment
