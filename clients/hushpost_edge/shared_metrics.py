"""Shares the metrics of the edge's processes through files, so that each can return them all.

prometheus-client writes to sparse files that are mapped into memory. If the disk is full when it
first writes to a page, the kernel kills the process (SIGBUS). So their space is allocated first.
"""

import os
from pathlib import Path

from hushpost_edge.allocation import allocate

__all__ = ["are_metrics_shared", "remove_metrics", "share_metrics"]

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_KINDS = ("counter", "gauge_mostrecent", "histogram")
_BYTES = 1 << 16
"""What prometheus-client maps. It holds about 200 time series, and the edge has fewer."""


def remove_metrics(folder: Path) -> None:
    """Remove the metrics of an earlier run."""
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


def share_metrics(folder: Path) -> None:
    """Let this process share its metrics; if the disk is full, it keeps them to itself.

    prometheus-client looks for the variable when it is imported, so this must come first.
    """
    os.environ.pop(_VARIABLE, None)
    files = [folder / f"{kind}_{os.getpid()}.db" for kind in _KINDS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _allocate(file)
    except OSError:
        for file in files:
            file.unlink(missing_ok=True)
    else:
        os.environ[_VARIABLE] = str(folder)


def are_metrics_shared() -> bool:
    """Return whether this process shares its metrics."""
    return _VARIABLE in os.environ


def _allocate(file: Path) -> None:
    with file.open("wb") as opened:
        allocate(opened.fileno(), 0, _BYTES)
