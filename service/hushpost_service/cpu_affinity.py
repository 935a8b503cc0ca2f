"""CPU affinity of threads; available on Linux only."""

import os
from collections.abc import Collection

__all__ = ["pin_to", "usable_cpus"]


def usable_cpus() -> frozenset[int]:
    """Return the CPUs this thread may run on; empty where the system has no affinity."""
    if not hasattr(os, "sched_getaffinity"):
        return frozenset()
    return frozenset(os.sched_getaffinity(0))


def pin_to(cpus: Collection[int]) -> None:
    """Restrict this thread, and threads it starts later, to some CPUs; empty: do nothing."""
    if cpus:
        os.sched_setaffinity(0, cpus)
