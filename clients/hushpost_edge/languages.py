"""The languages of the pages for people, and which one a request gets."""

from babel import Locale, negotiate_locale
from starlette.requests import HTTPConnection

from hushpost_edge.accepted import accepted

__all__ = ["DEFAULT", "LANGUAGES", "choose_language", "language_of", "names_of_languages"]

DEFAULT = "en"
LANGUAGES = ("en", "de", "fr", "it", "es")
"""Tags of BCP 47. English is the language of the templates; the others have a catalogue in
`locale/`."""


def language_of(request: HTTPConnection, default: str | None = None) -> str:
    """Return the language of the response to a request; see `choose_language`."""
    override = request.query_params.get("lang", "")
    return choose_language(override, request.headers.get("accept-language", ""), default)


def choose_language(override: str, accept_language: str, default: str | None = None) -> str:
    """Return the language of a response.

    Args:
        override: The language that the reader asked for; empty or unknown for none.
        accept_language: The request's Accept-Language header (RFC 9110, 12.5.4).
        default: The sender's choice for readers whose languages are not available.
    """
    if override in LANGUAGES:
        return override
    preferred = accepted(accept_language)
    if default:
        preferred.append(default.lower())
    return negotiate_locale(preferred, LANGUAGES, sep="-") or DEFAULT


def names_of_languages() -> dict[str, str]:
    """Return the name of each language in that language, by tag."""
    names = {tag: Locale.parse(tag).get_language_name(tag) or tag for tag in LANGUAGES}
    return {tag: name.capitalize() for tag, name in names.items()}
