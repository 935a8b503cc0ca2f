"""The memory of a process."""

from pathlib import Path

__all__ = ["mebibytes"]


def mebibytes(pid: int, name: str) -> float:
    """Return a size from /proc/<pid>/status: VmRSS is the present one, VmHWM the greatest."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if name in line) / 1024
