"""The start of a worker process: makes it share its metrics, then creates its application.

Only what is pickled reaches a worker, because workers are spawned, not forked.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hushpost_edge.settings import Settings
from hushpost_edge.shared_memory import SharedMemory
from hushpost_edge.shared_metrics import share_metrics
from hushpost_runtime.settings import read_settings

if TYPE_CHECKING:
    from hushpost_runtime.connection_drain import ConnectionDrain

__all__ = ["WorkerProcess"]


@dataclass(frozen=True)
class WorkerProcess:
    """Creates the application. Granian passes it to each worker process and calls it there.

    Attributes:
        memory: What all workers share.
    """

    memory: SharedMemory

    def __call__(self) -> "ConnectionDrain":
        """Create the ASGI application."""
        settings = read_settings(Settings)
        share_metrics(settings.metrics_dir)
        from hushpost_edge import worker  # noqa: PLC0415 - see share_metrics

        return worker.create_app(settings, self.memory)
