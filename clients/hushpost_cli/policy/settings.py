"""Settings of policies as text: NAME=VALUE."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from hushpost_client import (
    ConsentModes,
    History,
    Mode,
    PageBranding,
    Policy,
    PolicyUpdate,
    Release,
)

__all__ = [
    "SettingError",
    "Settings",
    "is_branding",
    "parse_settings",
    "settings_of",
    "text_of",
    "update_of",
]

Settings = Mapping[str, Any]
"""Values of type `PolicyUpdate`, by name; `opens_modes.when_denied` is a mode of opens."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


class SettingError(Exception):
    """A setting that can't be understood."""


def parse_settings(arguments: Iterable[str]) -> Settings:
    """Return the settings of arguments such as `opens_modes.when_denied=OFF`.

    `mode_when_true` and `mode_when_unset` are returned as the modes that they set.

    Raises:
        SettingError: A name or value is unknown, or a name is given twice.
    """
    settings: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals:
            raise SettingError(f"{argument!r} is not of the form NAME=VALUE")
        if name not in _PARSERS:
            raise SettingError(f"no setting is called {name!r}; settings: {', '.join(_PARSERS)}")
        if name in settings:
            raise SettingError(f"{name} is given twice")
        try:
            settings[name] = _PARSERS[name](text)
        except ValueError as error:
            raise SettingError(f"{name}: {text!r} is {error}") from None
    return _by_purpose(settings)


def settings_of(policy: Policy) -> Settings:
    """Return all settings of a policy, without those that are derived from others."""
    return {name: _value(policy, name) for name in _PARSERS if name not in _OF_BOTH_PURPOSES} | {
        name: _value(policy, name) or empty for name, empty in _BRANDING.items()
    }


def is_branding(name: str) -> bool:
    """Return whether a setting is a field of the branding, which has an option of its own."""
    return name in _BRANDING


def text_of(value: Any) -> str:
    """Return a value as `parse_settings` takes it; a mode that is not known is `?`.

    The branding has options instead; a field that is not set is `none`.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(_delay_text, value))
    if isinstance(value, bytes):
        return f"{len(value):,} bytes" if value else "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{language}: {text!r}" for language, text in value.items()) or "none"
    return "?" if value is None else f"{value}" or "none"


def update_of(settings: Settings) -> PolicyUpdate:
    """Return the update that makes these settings, and no other."""
    fields: dict[str, Any] = {name: value for name, value in settings.items() if "." not in name}
    for group, kind in _GROUPS.items():
        nested = {
            name.partition(".")[2]: value
            for name, value in settings.items()
            if name.startswith(f"{group}.")
        }
        if nested:
            fields[group] = kind(**nested)
    return PolicyUpdate(**fields)


def _by_purpose(settings: Settings) -> Settings:
    """Return settings with modes of both purposes replaced by those of each."""
    modes = {
        f"{purpose}.{consent}": settings[name]
        for name, consents in _OF_BOTH_PURPOSES.items()
        if name in settings
        for purpose in _PURPOSES
        for consent in consents
    }
    rest = {name: value for name, value in settings.items() if name not in _OF_BOTH_PURPOSES}
    return {**modes, **rest}


def _value(policy: Policy, path: str) -> Any:
    name, _, nested = path.partition(".")
    value = getattr(policy, name)
    if name == "default_tracking_domain":
        return value or ""
    return getattr(value, nested) if nested else value


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("not a number") from None


def _member(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        try:
            return kind(text.upper())
        except ValueError:
            raise ValueError(f"none of {', '.join(kind)}") from None

    return parse


def _domain(text: str) -> str:
    return "" if text == "none" else text.lower()


def _delays(text: str) -> tuple[timedelta, ...]:
    return tuple(map(_delay, text.split(",")))


def _delay(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdecimal()):
        raise ValueError("not a list of times such as 6h,1d,7d,30d")
    try:
        return timedelta(seconds=int(number) * _UNITS[unit])
    except (OverflowError, ValueError):
        raise ValueError("too long a time") from None


def _delay_text(delay: timedelta) -> str:
    seconds = delay // timedelta(seconds=1)
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


_PURPOSES = ("opens_modes", "clicks_modes")
_GROUPS: dict[str, type[ConsentModes | PageBranding]] = {
    **dict.fromkeys(_PURPOSES, ConsentModes),
    "branding": PageBranding,
}
_BRANDING: dict[str, Any] = {
    "branding.accent_color": "",
    "branding.logo": b"",
    "branding.imprint_url": "",
    "branding.privacy_policy_url": "",
    "branding.intro": {},
    "branding.default_language": "",
}
"""The fields of the branding, with the value of one that is not set."""
_OF_BOTH_PURPOSES = {
    "mode_when_true": ("when_denied", "when_withdrawn"),
    "mode_when_unset": ("when_unknown",),
}
_mode = _member(Mode)

_PARSERS: dict[str, Callable[[str], Any]] = {
    "anonymization_enabled": _bool,
    "mode_when_true": _mode,
    "mode_when_unset": _mode,
    "opens_modes.when_unknown": _mode,
    "opens_modes.when_denied": _mode,
    "opens_modes.when_withdrawn": _mode,
    "clicks_modes.when_unknown": _mode,
    "clicks_modes.when_denied": _mode,
    "clicks_modes.when_withdrawn": _mode,
    "record_last_opens": _bool,
    "history_when_true": _member(History),
    "retention_days": _integer,
    "reask_after_days": _integer,
    "release": _member(Release),
    "epsilon": _number,
    "release_delays": _delays,
    "max_anonymous_messages": _integer,
    "default_tracking_domain": _domain,
}
"""How the text of each setting is read."""
