"""The languages of the pages for people, and which one a request gets."""

from babel import Locale, negotiate_locale

__all__ = ["DEFAULT", "LANGUAGES", "choose_language", "names_of_languages"]

DEFAULT = "en"
LANGUAGES = ("en", "de", "fr", "it", "es")
"""Tags of BCP 47. English is the language of the templates; the others have a catalogue in
`locale/`."""

_MAX_HEADER_CHARACTERS = 500


def choose_language(override: str, accept_language: str) -> str:
    """Return the language of a response.

    Args:
        override: The language that the reader asked for; empty or unknown for none.
        accept_language: The request's Accept-Language header (RFC 9110, 12.5.4).
    """
    if override in LANGUAGES:
        return override
    preferred = _by_quality(accept_language[:_MAX_HEADER_CHARACTERS])
    return negotiate_locale(preferred, LANGUAGES, sep="-") or DEFAULT


def names_of_languages() -> dict[str, str]:
    """Return the name of each language in that language, by tag."""
    names = {tag: Locale.parse(tag).get_language_name(tag) or tag for tag in LANGUAGES}
    return {tag: name.capitalize() for tag, name in names.items()}


def _by_quality(accept_language: str) -> list[str]:
    """Return the acceptable languages of a header, the preferred ones first."""
    ranges = []
    for item in accept_language.split(","):
        tag, _, parameter = item.partition(";")
        quality = _quality(parameter)
        if quality > 0:
            ranges.append((quality, tag.strip().lower()))
    ranges.sort(key=lambda found: -found[0])  # stable: in the given order if they are equal
    return [tag for _, tag in ranges]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(float(value), 1.0)
    except ValueError:
        return 0.0
