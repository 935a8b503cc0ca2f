"""Describes the environment of a measurement: machine, versions, commit, other load."""

import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.authority import Authority

__all__ = [
    "BackgroundLoad",
    "Environment",
    "describe_environment",
    "describe_machine",
    "measure_background_load",
]

_PACKAGES = (
    "grpcio",
    "pygrpc-native",
    "protobuf",
    "asyncpg",
    "uvloop",
    "cryptography",
    "numpy",
    "granian",
    "starlette",
)
_SAMPLE_SECONDS = 1.0
_COMMAND_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class BackgroundLoad:
    """Load on the machine before the benchmark starts anything.

    Attributes:
        busy: Share of all CPUs in use, between 0 and 1; near 0 on a quiet machine.
        load_average: The one-minute load average. It includes earlier measurements.
    """

    busy: float
    load_average: float


@dataclass(frozen=True, slots=True)
class Environment:
    """What one needs to know to compare a figure with another run."""

    date: str
    commit: str
    machine: str
    system: str
    versions: dict[str, str]
    busy_before: float
    load_before: float


def measure_background_load() -> BackgroundLoad:
    """Sample the CPUs for one second."""
    load_average = os.getloadavg()[0]
    idle, total = _cpu_ticks()
    time.sleep(_SAMPLE_SECONDS)
    idle_after, total_after = _cpu_ticks()
    busy = 1 - (idle_after - idle) / max(total_after - total, 1)
    return BackgroundLoad(round(busy, 3), round(load_average, 2))


def describe_environment(authority: Authority, background: BackgroundLoad) -> Environment:
    """Describe the machine, the commit and the versions that run the authority."""
    return Environment(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        machine=describe_machine(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={
            "hushpost": version("hushpost"),
            "python": platform.python_version(),
            "postgresql": _output(str(authority.postgres_bin / "postgres"), "--version").split()[
                -1
            ],
            **{package: version(package) for package in _PACKAGES},
        },
        busy_before=background.busy,
        load_before=background.load_average,
    )


def describe_machine() -> str:
    """Return the number and model of CPUs, and the memory."""
    return f"{os.cpu_count()} cores ({_cpu_model()}), {_memory_gib():.0f} GiB of memory"


def _cpu_ticks() -> tuple[int, int]:
    """Return idle and total ticks of all CPUs since boot."""
    first = Path("/proc/stat").read_text().splitlines()[0]
    ticks = [int(text) for text in first.split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _commit() -> str:
    """Return the checked-out commit, with a "+" if the measured code has local changes."""
    git = shutil.which("git")
    if git is None:
        return ""
    commit = _output(git, "rev-parse", "--short=12", "HEAD")
    changed = _output(git, "status", "--porcelain", "--", "service", "clients", "protos")
    return f"{commit}+" if changed else commit


def _output(*command: str) -> str:
    """Return what a command prints, or "" if it fails."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_TIMEOUT_SECONDS,
        cwd=Path(__file__).parents[1],
    )
    return done.stdout.strip() if done.returncode == 0 else ""
