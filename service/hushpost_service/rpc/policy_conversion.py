"""Converts policies between the protos and the domain."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from hushpost.v1 import admin_pb2 as pb
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import ConsentModes, History, Mode, Policy, Release
from hushpost_service.domain.page_branding import PageBranding
from hushpost_service.domain.policy_settings import PolicySettings
from hushpost_service.rpc.branding_conversion import branding_message
from hushpost_service.rpc.convert import enum_member, enum_number

__all__ = ["given_settings", "masked_default_domain", "masked_settings", "policy_message"]

_DEFAULT_DOMAIN = "default_tracking_domain"
_ECHOED_CHARACTERS = 100
"""gRPC clients drop an error whose metadata is too long, more than 8 or 16 KiB."""


def given_settings(message: pb.Policy) -> PolicySettings:
    """Return the settings that have a value in the message. Raises FIELD_INVALID."""
    settings = {path: _setting(message, path) for path in _CONVERSIONS}
    return {path: value for path, value in settings.items() if value is not None}


def masked_settings(message: pb.Policy, mask: Sequence[str]) -> PolicySettings:
    """Return the settings that the paths of an update mask name.

    Raises UPDATE_MASK_INVALID, and FIELD_INVALID for a path without a value: a default would
    change a policy to something that the caller did not write.
    """
    unknown = [path for path in mask if not _settings_of(path)]
    if unknown or not mask:
        raise HushpostError(
            Reason.UPDATE_MASK_INVALID,
            "update_mask must have at least one path, each the name of a field of Policy or of "
            "its ConsentModes, such as opens_modes.when_denied",
            {"field": unknown[0][:_ECHOED_CHARACTERS] if unknown else ""},
        )
    settings = {path: _setting(message, path) for named in mask for path in _settings_of(named)}
    for path, value in settings.items():
        if value is None:
            raise HushpostError(
                Reason.FIELD_INVALID,
                f"policy.{path} must have a value, because update_mask names it; 0 is none",
                {"field": path},
            )
    return settings


def masked_default_domain(message: pb.Policy, mask: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the default tracking domain if the mask names it, and the other paths of the mask.

    It is empty if it has no value, which removes it.
    """
    others = [path for path in mask if path != _DEFAULT_DOMAIN]
    is_named = len(others) < len(mask)
    return message.default_tracking_domain if is_named else None, others


def policy_message(
    policy: Policy, branding: PageBranding | None = None, default_domain: str = ""
) -> pb.Policy:
    """Convert a policy, with the branding of the tenant's pages and its tracking domain."""
    return pb.Policy(
        anonymization_enabled=policy.anonymization_enabled,
        mode_when_true=enum_number(policy.mode_when_true),
        mode_when_unset=enum_number(policy.mode_when_unset),
        history_when_true=enum_number(policy.history_when_true),
        retention_days=policy.retention_days,
        release=enum_number(policy.release),
        epsilon=policy.epsilon,
        release_delays=[Duration(seconds=delay) for delay in policy.release_delays],
        max_anonymous_messages=policy.max_anonymous_messages,
        opens_modes=_modes_message(policy.opens_modes),
        clicks_modes=_modes_message(policy.clicks_modes),
        reask_after_days=policy.reask_after_days,
        record_last_opens=policy.record_last_opens,
        branding=branding_message(branding) if branding else None,
        default_tracking_domain=default_domain,
    )


def _modes_message(modes: ConsentModes) -> pb.ConsentModes:
    return pb.ConsentModes(
        when_unknown=enum_number(modes.when_unknown),
        when_denied=enum_number(modes.when_denied),
        when_withdrawn=enum_number(modes.when_withdrawn),
    )


def _settings_of(path: str) -> Collection[str]:
    """Return the settings that a path of a mask names; none if there is no such path."""
    if path in _CONVERSIONS:
        return (path,)
    return [setting for setting in _CONVERSIONS if setting.startswith(f"{path}.")]


def _setting(message: pb.Policy, path: str) -> Any:
    """Return the value of a setting; None if it has none."""
    given = _given(message, path)
    return None if given is None else _CONVERSIONS[path](given, field=path)


def _given(message: Message, path: str) -> Any:
    """Return the value of a field; None if it has none, or a zero that looks like none."""
    name, _, nested = path.partition(".")
    if nested:
        return _given(getattr(message, name), nested)
    if message.DESCRIPTOR.fields_by_name[name].has_presence:
        return getattr(message, name) if message.HasField(name) else None
    return getattr(message, name) or None


def _unchanged(value: Any, field: str) -> Any:  # noqa: ARG001 # the signature of conversions
    return value


def _schedule(delays: Sequence[Duration], field: str) -> tuple[int, ...]:  # noqa: ARG001 # as above
    """Return delays in seconds; -1, which no schedule allows, for one that is not whole."""
    return tuple(-1 if delay.nanos else delay.seconds for delay in delays)


_mode = partial(enum_member, Mode)

_CONVERSIONS: Mapping[str, Callable[..., Any]] = {
    "anonymization_enabled": _unchanged,
    "mode_when_true": _mode,
    "mode_when_unset": _mode,
    "history_when_true": partial(enum_member, History),
    "retention_days": _unchanged,
    "release": partial(enum_member, Release),
    "epsilon": _unchanged,
    "release_delays": _schedule,
    "max_anonymous_messages": _unchanged,
    "opens_modes.when_unknown": _mode,
    "opens_modes.when_denied": _mode,
    "opens_modes.when_withdrawn": _mode,
    "clicks_modes.when_unknown": _mode,
    "clicks_modes.when_denied": _mode,
    "clicks_modes.when_withdrawn": _mode,
    "reask_after_days": _unchanged,
    "record_last_opens": _unchanged,
}
"""How the value of each setting is converted, by the path of its field."""
