"""The settings of a policy by name: which values they take, and how they change it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.message_budget import MAX_LIMIT
from hushpost_service.domain.modes import Mode, Policy
from hushpost_service.domain.release_limits import MAX_DATES, is_valid_schedule

__all__ = ["PolicySettings", "check_settings", "other_than_default", "with_settings"]

PolicySettings = Mapping[str, Any]
"""Values by the path of their field in `hushpost.v1.Policy`, such as `opens_modes.when_denied`.

Each value has the type of the field in the domain's `Policy`. `mode_when_true` and
`mode_when_unset` set the modes of both purposes.
"""

_MAX_DAYS = 3650
_SIMPLE = {
    "mode_when_true": ("when_denied", "when_withdrawn"),
    "mode_when_unset": ("when_unknown",),
}
_PURPOSES = ("opens_modes", "clicks_modes")


def with_settings(policy: Policy, settings: PolicySettings) -> Policy:
    """Return a policy with some settings changed; those of one purpose take precedence."""
    both = {
        consent: settings[name]
        for name, consents in _SIMPLE.items()
        if name in settings
        for consent in consents
    }
    modes = {
        purpose: replace(getattr(policy, purpose), **{**both, **_nested(settings, purpose)})
        for purpose in _PURPOSES
    }
    plain = {
        name: value for name, value in settings.items() if "." not in name and name not in _SIMPLE
    }
    return replace(policy, **modes, **plain)


def check_settings(settings: PolicySettings) -> None:
    """Raise FIELD_INVALID if a setting has a value that no policy may have."""
    for name, value in settings.items():
        if name in _CHECKS:
            is_valid, rule = _CHECKS[name]
            if not is_valid(value):
                raise HushpostError(Reason.FIELD_INVALID, f"policy.{name} {rule}", {"field": name})


def other_than_default(settings: PolicySettings) -> dict[str, object]:
    """Return the fields of a new policy that differ from the defaults.

    So a default may be given or left out when a request is repeated.
    """
    defaults = asdict(Policy())
    given = asdict(with_settings(Policy(), settings))
    return {name: value for name, value in given.items() if value != defaults[name]}


def _nested(settings: PolicySettings, purpose: str) -> dict[str, Mode]:
    prefix = f"{purpose}."
    return {
        name.removeprefix(prefix): mode
        for name, mode in settings.items()
        if name.startswith(prefix)
    }


def _from_1_to(limit: int) -> tuple[Callable[[Any], bool], str]:
    return lambda value: 1 <= value <= limit, f"must be from 1 to {limit}"


_ANONYMIZES = (lambda mode: mode > Mode.IDENTIFIED, "must be ANONYMOUS, AGGREGATE or OFF")

_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "mode_when_true": _ANONYMIZES,
    **{
        f"{purpose}.{consent}": _ANONYMIZES
        for purpose in _PURPOSES
        for consent in ("when_denied", "when_withdrawn")
    },
    "retention_days": _from_1_to(_MAX_DAYS),
    "release_delays": (
        is_valid_schedule,
        f"must be 1 to {MAX_DATES} ascending whole numbers of seconds, up to 365 days",
    ),
    "max_anonymous_messages": _from_1_to(MAX_LIMIT),
    "reask_after_days": _from_1_to(_MAX_DAYS),
}
