"""The branding of preference pages as options of `hushpost policy set`."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from hushpost_cli.policy.settings import SettingError, Settings
from hushpost_client import PageBranding

__all__ = [
    "AccentColor",
    "DefaultLanguage",
    "ImprintUrl",
    "Intro",
    "Logo",
    "PrivacyPolicyUrl",
    "branding_options",
    "branding_settings",
]

_FIELDS = ("accent_color", "imprint_url", "privacy_policy_url", "default_language")

AccentColor: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Color of buttons and links of preference pages, such as #0b57a4."),
]
Logo: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Logo of preference pages: PNG, JPEG, WebP or SVG, 64 KiB."),
]
ImprintUrl: TypeAlias = Annotated[
    str | None, typer.Option(help="Link of preference pages to the imprint; https.")
]
PrivacyPolicyUrl: TypeAlias = Annotated[
    str | None, typer.Option(help="Link of preference pages to the privacy policy; https.")
]
Intro: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LANGUAGE=TEXT",
        help="Introduction of preference pages; repeat it for each language. Replaces all.",
    ),
]
DefaultLanguage: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Language of preference pages for readers of other languages, such as de."),
]


def branding_settings(
    *, logo: str | None, intro: list[str] | None, **texts: str | None
) -> Settings:
    """Return the settings that options name. An empty option removes its field.

    Raises:
        SettingError: The logo can't be read, or an introduction has no language.
    """
    given: dict[str, Any] = {
        f"branding.{name}": text for name, text in texts.items() if text is not None
    }
    if logo is not None:
        given["branding.logo"] = _read(logo) if logo else b""
    if intro is not None:
        given["branding.intro"] = dict(_localized(text) for text in intro if text)
    return given


def branding_options(branding: PageBranding) -> Iterator[str]:
    """Yield a line per field that is set: the option that sets it, quoted for a shell."""
    for name in _FIELDS:
        if value := getattr(branding, name):
            yield shlex.join([f"--{name.replace('_', '-')}", value])
    for language, text in (branding.intro or {}).items():
        yield shlex.join(["--intro", f"{language}={text}"])
    if branding.logo:
        yield f"# --logo: {branding.logo_media_type}, {len(branding.logo):,} bytes"


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SettingError(f"--logo: {error}") from None


def _localized(text: str) -> tuple[str, str]:
    language, equals, words = text.partition("=")
    if not (language and equals):
        raise SettingError(f"--intro: {text!r} is not of the form LANGUAGE=TEXT")
    return language, words
