"""Compares reported with predicted numbers. Pure."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from hushpost_client import CampaignStats

__all__ = ["Numbers", "differences", "numbers"]

Numbers: TypeAlias = Mapping[str, object]
"""Values by readable path: `groups press > opens > human > …`."""

_ENTRY_NAMES = ("group_id", "link_number", "start_time")


def numbers(stats: CampaignStats) -> dict[str, object]:
    """Return all values of a report by path."""
    found: dict[str, object] = {}
    _collect(stats, "", found)
    return found


def differences(expected: Numbers, reported: Numbers) -> list[str]:
    """Return a line for each different, missing or unexpected value."""
    names = [*expected, *(name for name in reported if name not in expected)]
    return [
        f"{name}: expected {expected.get(name, 'nothing')}, reported {reported.get(name, 'nothing')}"
        for name in names
        if not _same(expected.get(name), reported.get(name))
    ]


def _collect(value: Any, name: str, found: dict[str, object]) -> None:
    if isinstance(value, tuple):
        for entry in value:
            key = next(str(getattr(entry, part)) for part in _ENTRY_NAMES if hasattr(entry, part))
            _collect(entry, f"{name} {key}", found)
    elif is_dataclass(value):
        for field in fields(value):
            _collect(getattr(value, field.name), f"{name} > {field.name}".strip(" >"), found)
    else:
        found[name] = value


def _same(expected: object, reported: object) -> bool:
    if isinstance(expected, float) and isinstance(reported, float):
        return math.isclose(expected, reported, abs_tol=1e-12)
    return expected == reported
