"""Lets SIGTERM end tests and benchmarks as Ctrl-C does: they stop the servers that they started."""

import signal
from types import FrameType

__all__ = ["interrupt_on_sigterm"]


def interrupt_on_sigterm() -> None:
    """Raise KeyboardInterrupt in the main thread at the first SIGTERM, and ignore later ones."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # A process group gets the signal twice, from its sender and from make. The second must not
    # interrupt the cleanup. A handler, unlike the disposition "ignore", is not inherited.
    signal.signal(number, lambda _number, _frame: None)
    raise KeyboardInterrupt
