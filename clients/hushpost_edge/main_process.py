"""The composition root of the main process: the background shipper and Granian."""

from hushpost_edge.background_shipper import BackgroundShipper
from hushpost_edge.behaviour_memory import create_behaviour_memory
from hushpost_edge.settings import Settings
from hushpost_edge.spool_cipher import SpoolKey
from hushpost_edge.spool_keys import SpoolKeys
from hushpost_edge.worker_process import WorkerProcess
from hushpost_runtime.http_server import http_server
from hushpost_runtime.logging import configure_logging
from hushpost_runtime.traces_setting import traces_from_environment

__all__ = ["serve"]


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain connections and return."""
    configure_logging(settings.log_level)
    key = SpoolKey.generate()
    key.leave_to_workers()
    traces = traces_from_environment("hushpost-edge")
    shipper = BackgroundShipper(settings, SpoolKeys(settings.keys_dir, key), traces)
    server = http_server(
        "hushpost_edge.worker_process:WorkerProcess",
        settings.listen,
        settings.workers,
        settings.drain_seconds,
    )
    server.on_startup(shipper.start)
    server.on_shutdown(shipper.stop)
    if traces is not None:
        server.on_shutdown(traces.close)
    memory = create_behaviour_memory(settings.workers)
    # Called in each worker instead of what the name above denotes.
    server.serve(target_loader=WorkerProcess(memory), wrap_loader=False)
