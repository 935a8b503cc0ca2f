"""What `hushpost doctor --spool` checks: the data folder of an edge."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from hushpost_edge.reserve import is_reserve_missing
from hushpost_edge.settings import Settings
from hushpost_edge.spool_files import spool_files
from hushpost_edge.spooled_event import event_count
from hushpost_runtime.findings import Finding, Runbook, disk_space, problem, warning, works
from hushpost_runtime.secret_file import read_secret_file
from hushpost_runtime.settings import SettingsError, read_settings

__all__ = ["diagnose"]

_SPOOL, _FILES = "spool", "files"
_LATE_SECONDS = 120
_LOST_SECONDS = 24 * 3600
_FULL_SHARE = 0.9
_OTHERS = 0o077

_WAITING = "select time, length(events) from arrivals order by first"
_QUARANTINED = "select reason, sum(length(events)) from quarantine group by reason"


def diagnose(data_dir: Path) -> list[Finding]:
    """Check the spool, the quarantine, secrets and the disk of an edge that may be running."""
    try:
        settings = read_settings(Settings, data_dir=data_dir)
    except SettingsError as error:
        text = " ".join(str(error).splitlines())
        return [problem("settings", text, "Correct the environment variables of hushpost edge.")]
    if not settings.spool_dir.is_dir():
        return [
            problem(
                _SPOOL,
                f"{data_dir} is not the data folder of an edge: it has no folder spool.",
                "Give the --data-dir of hushpost edge.",
            )
        ]
    return [*_spool(settings), *_secrets(settings), disk_space(_FILES, data_dir)]


def _spool(settings: Settings) -> Iterator[Finding]:
    waiting = used = 0
    oldest: float | None = None
    quarantined: dict[str, int] = {}
    try:
        for file in spool_files(settings.spool_dir):
            used += file.stat().st_size
            with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as spool:
                rows = spool.execute(_WAITING).fetchall()
                for reason, size in spool.execute(_QUARANTINED):
                    quarantined[reason] = quarantined.get(reason, 0) + event_count(size)
            waiting += sum(event_count(size) for _, size in rows)
            if rows:
                oldest = min(oldest or rows[0][0], rows[0][0])
    except (OSError, sqlite3.Error) as error:
        yield problem(
            _SPOOL, f"The spool can't be read: {error}.", "Run as the user of hushpost edge."
        )
        return
    yield _waiting(waiting, 0 if oldest is None else time.time() - oldest / 1e6)
    yield _size(used, settings.spool_bytes)
    if is_reserve_missing(settings.spool_dir):
        advice = "Free space on its disk; the edge then records events again within a second."
        yield problem(
            _SPOOL, "The disk was full: the edge drops events.", advice, Runbook.FULL_DISK
        )
    for reason, count in sorted(quarantined.items()):
        yield warning(
            _SPOOL,
            f"{count:,} events are in quarantine, because the authority rejected them as {reason}.",
            "They are sent again for seven days; see docs/reference/errors.md for the reason.",
            Runbook.REJECTED_EVENTS,
        )


def _waiting(events: int, seconds: float) -> Finding:
    if seconds < _LATE_SECONDS:
        return works(_SPOOL, f"{events:,} events wait to be shipped.")
    text = f"{events:,} events wait to be shipped, the oldest for {seconds / 60:,.0f} minutes."
    advice = "Check that the edge runs and reaches the authority: hushpost doctor --authority."
    finding = problem if seconds > _LOST_SECONDS else warning
    return finding(_SPOOL, text, advice, Runbook.EVENTS_WAIT)


def _size(used: int, limit: int) -> Finding:
    text = f"The spool takes {used / limit:.0%} of the bytes that it may."
    if used < _FULL_SHARE * limit:
        return works(_SPOOL, text)
    advice = "Let the edge reach the authority, or raise --spool-bytes: a full spool drops events."
    return problem(_SPOOL, text, advice, Runbook.FULL_DISK)


def _secrets(settings: Settings) -> Iterator[Finding]:
    if settings.keys_dir.is_dir() and settings.keys_dir.stat().st_mode & _OTHERS:
        yield problem(
            _FILES,
            f"Other users have access to {settings.keys_dir}, which has the keys of the spool.",
            f"chmod go= {settings.keys_dir}",
        )
    for path in filter(None, (settings.api_key_file, settings.client_key)):
        try:
            read_secret_file(path)
        except OSError as error:
            text = f"{path} can't be used: {error.strerror}."
            yield problem(_FILES, text, "Correct the path or its mode.")
