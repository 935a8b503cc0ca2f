"""The translations of the pages: complete, current and consistent."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import hushpost_edge
from hushpost_edge.languages import DEFAULT, LANGUAGES, choose_language, names_of_languages

PACKAGE = Path(hushpost_edge.__file__).parent
TRANSLATED = [language for language in LANGUAGES if language != DEFAULT]


def texts_of_templates() -> set[str]:
    """Return all texts of the templates that need a translation."""
    found = extract_from_dir(PACKAGE, method_map=[("templates/**.html", "jinja2")])
    return {str(text) for _, _, text, _, _ in found}


def catalogue(language: str) -> Catalog:
    """Return the catalogue of a language."""
    with (PACKAGE / "locale" / language / "LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale=language)


def test_every_catalogue_is_a_language() -> None:
    """The folders are those of the languages, and the templates have texts."""
    folders = {folder.name for folder in (PACKAGE / "locale").iterdir()}
    assert folders == set(TRANSLATED)
    assert len(texts_of_templates()) > 30


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    """No text is missing, left over, marked as fuzzy or equal to the English one."""
    messages = {str(message.id): message for message in catalogue(language) if message.id}
    assert set(messages) == texts_of_templates()
    for text, message in messages.items():
        assert message.string, text
        assert message.string != text
        assert not message.fuzzy


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_placeholders(language: str) -> None:
    """A translation has the placeholders of its text, no markup, and the same end."""
    placeholder = re.compile(r"%\(\w+\)s|%|[<>&{}]")
    for message in catalogue(language):
        if message.id:
            translation = str(message.string)
            assert placeholder.findall(translation) == placeholder.findall(str(message.id))
            assert (translation[-1] in ".?") == (str(message.id)[-1] in ".?")


@pytest.mark.parametrize("language", TRANSLATED)
def test_compiled_catalogues_are_current(language: str) -> None:
    """`make catalogues` has been run after the last change."""
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    file = PACKAGE / "locale" / language / "LC_MESSAGES/messages.mo"
    assert file.read_bytes() == compiled.getvalue()


def test_languages_are_named_in_themselves() -> None:
    """A reader finds their language without knowing the page's."""
    assert list(names_of_languages().values()) == [
        "English",
        "Deutsch",
        "Français",
        "Italiano",
        "Español",
    ]


@pytest.mark.parametrize(
    ("override", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "fr", "fr"),
        ("", "de-CH", "de"),
        ("", "DE", "de"),
        ("", "it;q=0.3, es;q=0.8", "es"),
        ("", "en;q=0.1, fr;q=0", "en"),
        ("", "fr;q=0", "en"),
        ("", "pt-BR, zh, *;q=0.1", "en"),
        ("", "fr;q=, ;;, =, de; q=1.0", "de"),
        ("", "fr;q=nan, de;q=0.1", "de"),
        ("es", "fr", "es"),
        ("xx", "fr", "fr"),
        ("../it", "fr", "fr"),
        ("", "x" * 100_000, "en"),
    ],
)
def test_the_language_is_negotiated(override: str, accepted: str, language: str) -> None:
    """By override, then by the quality of the header (RFC 9110, 12.5.4), else English."""
    assert choose_language(override, accepted) == language
