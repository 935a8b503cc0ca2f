"""Reads what a process and its descendants use, from /proc."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Usage", "usage_of"]


class Usage(NamedTuple):
    """What a process and its descendants use.

    Attributes:
        rss_mib: Resident memory; pages that processes share count in each.
        pss_mib: Resident memory; each shared page is divided between its users.
        descriptors: Open file descriptors.
        threads: Threads.
    """

    rss_mib: float
    pss_mib: float
    descriptors: int
    threads: int


def usage_of(pid: int) -> Usage:
    """Return what a process and its descendants use now; descendants that end are left out."""
    parts = []
    for each in (pid, *_descendants(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):
            parts.append(_own_usage(each))
    return Usage(
        sum(part.rss_mib for part in parts),
        sum(part.pss_mib for part in parts),
        sum(part.descriptors for part in parts),
        sum(part.threads for part in parts),
    )


def _own_usage(pid: int) -> Usage:
    folder = Path(f"/proc/{pid}")
    sizes = {
        line.split()[0]: int(line.split()[1]) / 1024
        for line in (folder / "smaps_rollup").read_text().splitlines()[1:]
    }
    return Usage(
        sizes["Rss:"],
        sizes["Pss:"],
        len(list((folder / "fd").iterdir())),
        len(list((folder / "task").iterdir())),
    )


def _descendants(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, file.read_text().split()):
                found += [child, *_descendants(child)]
    return found
