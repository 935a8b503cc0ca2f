"""The program that `hushpost edge` executes: starts the main process of the edge."""

import multiprocessing
import sys
from contextlib import ExitStack

from hushpost_edge.settings import Settings
from hushpost_edge.shared_metrics import remove_metrics, share_metrics
from hushpost_edge.spool_files import exclusive_lock
from hushpost_runtime.settings import read_settings


def _main() -> None:
    settings = read_settings(Settings)
    with ExitStack() as stack:
        try:
            is_locked = stack.enter_context(exclusive_lock(settings.data_dir / "edge.lock"))
        except OSError as error:
            sys.exit(f"hushpost: {error.strerror}: {error.filename}")
        if not is_locked:
            sys.exit(f"hushpost: another edge is using the data directory {settings.data_dir}")
        remove_metrics(settings.metrics_dir)
        share_metrics(settings.metrics_dir)
        from hushpost_edge.main_process import serve  # noqa: PLC0415 - see share_metrics

        # A fork would copy the background shipper's gRPC threads in an inconsistent state.
        multiprocessing.set_start_method("spawn")
        serve(settings)


if __name__ == "__main__":
    _main()
