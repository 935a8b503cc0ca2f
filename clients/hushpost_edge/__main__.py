"""The program that `hushpost edge` executes: starts the main process of the edge."""

import multiprocessing
import os
import shutil
import sys
from pathlib import Path

from hushpost_edge.settings import Settings
from hushpost_edge.spool_files import exclusive_lock
from hushpost_runtime.settings import read_settings


def _main() -> None:
    settings = read_settings(Settings)
    with exclusive_lock(settings.data_dir / "edge.lock") as is_locked:
        if not is_locked:
            sys.exit(f"hushpost: another edge is using the data directory {settings.data_dir}")
        _set_up_metrics(settings.metrics_dir)
        from hushpost_edge.main_process import serve  # noqa: PLC0415 - see _set_up_metrics

        # A fork would copy the background shipper's gRPC threads in an inconsistent state.
        multiprocessing.set_start_method("spawn")
        serve(settings)


def _set_up_metrics(folder: Path) -> None:
    """Make all processes share their metrics through files in an empty folder.

    prometheus-client reads the variable when it is imported, so this must come first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


if __name__ == "__main__":
    _main()
