"""What `hushpost doctor --database` says of work that waits in the database."""

from collections.abc import Iterator
from datetime import timedelta

from hushpost_runtime.findings import Finding, Runbook, problem, warning, works
from hushpost_service.storage.backlog import Backlog

__all__ = ["backlog_findings", "unknown_backlog"]

_WAITING = "waiting work"
_LATE_RELEASE = timedelta(minutes=5)
_LATE_JOB = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)


def backlog_findings(backlog: Backlog) -> Iterator[Finding]:
    """Check anonymization, releases and partitions."""
    yield _anonymization(backlog)
    yield _releases(backlog)
    for name, ahead in sorted(backlog.partitions_ahead.items()):
        yield _partitions(name, ahead)


def unknown_backlog(error: Exception) -> Finding:
    """Say that the work that waits could not be read."""
    return problem(
        _WAITING,
        f"It can't be read: {error}.",
        "Check that all servers of the database run.",
        Runbook.DATABASE,
    )


def _anonymization(backlog: Backlog) -> Finding:
    text = f"{backlog.jobs:,} jobs of anonymization are pending."
    if backlog.oldest_job < _LATE_JOB:
        return works(_WAITING, text)
    return problem(
        _WAITING,
        f"{text} The oldest waits for {backlog.oldest_job // _MINUTE:,} minutes.",
        "Find the reason in the log of hushpost serve. Do not delete jobs.",
        Runbook.LATE_ANONYMIZATION,
    )


def _releases(backlog: Backlog) -> Finding:
    if backlog.release_lag < _LATE_RELEASE:
        return works(_WAITING, "No release of anonymous counts is late.")
    return warning(
        _WAITING,
        f"A release of anonymous counts is {backlog.release_lag // _MINUTE:,} minutes late.",
        "Start hushpost serve, or find the reason in its log. After a restore, run hushpost "
        "after-restore before.",
        Runbook.LATE_RELEASES,
    )


def _partitions(name: str, ahead: int) -> Finding:
    if ahead > 0:
        return works(_WAITING, f"The next partition of {name} exists.")
    finding, which = (problem, "current") if ahead < 0 else (warning, "next")
    return finding(
        _WAITING,
        f"The {which} partition of {name} does not exist.",
        "Start hushpost serve, which creates it, or find the reason in its log.",
        Runbook.MISSING_PARTITIONS,
    )
