"""Which processors a thread runs on. Only Linux lets it choose."""

import os
from collections.abc import Collection

__all__ = ["pin_to", "usable_cpus"]


def usable_cpus() -> frozenset[int]:
    """Return the processors that this thread may use; none where that cannot be told."""
    if not hasattr(os, "sched_getaffinity"):
        return frozenset()
    return frozenset(os.sched_getaffinity(0))


def pin_to(cores: Collection[int]) -> None:
    """Let this thread, and those that it starts from now on, use these processors alone."""
    if cores:
        os.sched_setaffinity(0, cores)
