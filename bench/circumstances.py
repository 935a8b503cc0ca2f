"""Under which circumstances something was measured: when, where, beside what."""

import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.site import Site

__all__ = ["Before", "Circumstances", "circumstances", "look_before"]

_PACKAGES = (
    "grpcio",
    "protobuf",
    "asyncpg",
    "uvloop",
    "cryptography",
    "numpy",
    "granian",
    "starlette",
)
_LOOK_SECONDS = 1.0
_COMMAND_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Before:
    """What the machine did just before, with nothing of ours running.

    `busy` is the share of all cores that others took: 0 on a quiet machine. The
    load average remembers minutes, our own measurements among them.
    """

    busy: float
    load: float


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What somebody must know who compares a figure with another."""

    date: str
    commit: str
    machine: str
    system: str
    versions: dict[str, str]
    busy_before: float
    load_before: float


def look_before() -> Before:
    """Look at the machine for a second."""
    load = os.getloadavg()[0]
    idle, total = _ticks()
    time.sleep(_LOOK_SECONDS)
    idle_after, total_after = _ticks()
    busy = 1 - (idle_after - idle) / max(total_after - total, 1)
    return Before(round(busy, 3), round(load, 2))


def circumstances(site: Site, before: Before) -> Circumstances:
    """Say under which circumstances a site was measured."""
    return Circumstances(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        machine=f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB of memory",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={
            "hushpost": version("hushpost"),
            "python": platform.python_version(),
            "postgresql": _said(str(site.postgres / "postgres"), "--version").split()[-1],
            **{package: version(package) for package in _PACKAGES},
        },
        busy_before=before.busy,
        load_before=before.load,
    )


def _ticks() -> tuple[int, int]:
    """Return the processors' time without work, and all of it, in ticks."""
    first = Path("/proc/stat").read_text().splitlines()[0]
    ticks = [int(text) for text in first.split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _commit() -> str:
    """Return the commit that the tree stands at; "+" where the tree has changed since."""
    git = shutil.which("git")
    if git is None:
        return ""
    commit = _said(git, "rev-parse", "--short=12", "HEAD")
    changed = _said(git, "status", "--porcelain", "--", "service", "clients", "protos")
    return f"{commit}+" if changed else commit


def _said(*command: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_SECONDS,
        cwd=Path(__file__).parents[1],
    )
    return done.stdout.strip() if done.returncode == 0 else ""
