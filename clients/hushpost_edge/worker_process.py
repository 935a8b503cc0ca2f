"""The start of a worker process: makes it share its metrics, then creates its application."""

from typing import TYPE_CHECKING

from hushpost_edge.settings import Settings
from hushpost_edge.shared_metrics import share_metrics
from hushpost_runtime.settings import read_settings

if TYPE_CHECKING:
    from hushpost_runtime.connection_drain import ConnectionDrain

__all__ = ["create_app"]


def create_app() -> "ConnectionDrain":
    """Create the ASGI application; Granian calls this in each worker process."""
    settings = read_settings(Settings)
    share_metrics(settings.metrics_dir)
    from hushpost_edge import worker  # noqa: PLC0415 - see share_metrics

    return worker.create_app(settings)
