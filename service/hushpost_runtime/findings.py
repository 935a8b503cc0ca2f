"""What `hushpost doctor` found out, and the checks that several parts share."""

import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["Finding", "Level", "Runbook", "disk_space", "problem", "warning", "works"]

_GIB = 1 << 30
_WARNING_BYTES = 5 * _GIB
_PROBLEM_BYTES = _GIB // 2


class Level(StrEnum):
    """How good or bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Runbook(StrEnum):
    """Headings of docs/operations.md, as anchors."""

    API_KEYS = "api-keys"
    DATABASE = "the-database-cannot-be-reached"
    EVENTS_WAIT = "events-wait-at-an-edge"
    FULL_DISK = "full-disk"
    KEYRING = "keyring"
    LATE_ANONYMIZATION = "late-anonymization"
    LATE_RELEASES = "late-releases"
    MISSING_PARTITIONS = "missing-partitions"
    PENDING_POST_DEPLOY = "pending-post-deploy-migrations"
    PROCESS_DOWN = "a-process-is-down"
    REJECTED_EVENTS = "rejected-events"
    WRONG_CLOCKS = "wrong-clocks"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        part: What was checked, such as "database".
        level: How good or bad it is.
        text: One sentence.
        advice: What to do; empty if nothing.
        runbook: The runbook that helps, if there is one.
    """

    part: str
    level: Level
    text: str
    advice: str = ""
    runbook: Runbook | None = None


def works(part: str, text: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(part, Level.OK, text)


def warning(part: str, text: str, advice: str, runbook: Runbook | None = None) -> Finding:
    """Return a finding that does no harm yet."""
    return Finding(part, Level.WARNING, text, advice, runbook)


def problem(part: str, text: str, advice: str, runbook: Runbook | None = None) -> Finding:
    """Return a finding that does harm."""
    return Finding(part, Level.PROBLEM, text, advice, runbook)


def disk_space(part: str, folder: Path) -> Finding:
    """Check how much space the disk of a folder has left."""
    free = shutil.disk_usage(folder).free
    text = f"The disk of {folder} has {free / _GIB:,.1f} GiB left."
    advice = "Free some space, or move the folder to a larger disk."
    if free < _PROBLEM_BYTES:
        return problem(part, text, advice, Runbook.FULL_DISK)
    return (
        warning(part, text, advice, Runbook.FULL_DISK)
        if free < _WARNING_BYTES
        else works(part, text)
    )
