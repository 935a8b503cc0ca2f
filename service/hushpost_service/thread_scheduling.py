"""How the kernel schedules threads that share a CPU; available on Linux only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["threads_that_wait"]


@contextmanager
def threads_that_wait() -> Iterator[None]:
    """Let threads that start within the block wait for their turn when they wake up.

    The kernel otherwise interrupts the running thread for one that wakes up on the same CPU. Each call
    wakes a thread of the transport, which would interrupt the event loop in the middle of its work
    and let it continue a few microseconds later (`make bench ONLY=record_click_vs_echo`).

    Does nothing where the system has no such policy or forbids it, and in a process that runs with
    another than the usual one, which someone has chosen for it.
    """
    try:
        # New threads inherit the policy of the thread that starts them.
        is_changed = _change_policy("SCHED_OTHER", "SCHED_BATCH")
    except PermissionError:
        is_changed = False
    try:
        yield
    finally:
        if is_changed:
            _change_policy("SCHED_BATCH", "SCHED_OTHER")


def _change_policy(old: str, new: str) -> bool:
    """Change the policy of this thread if it is `old`; return whether it was."""
    if not hasattr(os, old) or os.sched_getscheduler(0) != getattr(os, old):
        return False
    os.sched_setscheduler(0, getattr(os, new), os.sched_param(0))
    return True
