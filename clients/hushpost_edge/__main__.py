"""What `hushpost edge` becomes: a process that holds the edge and nothing else."""

import multiprocessing
import os
import shutil
import sys
from pathlib import Path

from hushpost_edge.settings import Settings
from hushpost_edge.spool_files import held


def _main() -> None:
    settings = Settings.read()
    with held(settings.data_dir / "edge.lock") as is_ours:
        if not is_ours:
            sys.exit(f"hushpost: another edge runs on {settings.data_dir}")
        _leave_numbers_in(settings.metrics_dir)
        from hushpost_edge.serve import serve  # noqa: PLC0415 - see _leave_numbers_in

        # A fork would copy the courier's gRPC threads into a worker half alive.
        multiprocessing.set_start_method("spawn")
        serve(settings)


def _leave_numbers_in(folder: Path) -> None:
    """Have the processes share their numbers; prometheus-client looks when it is imported."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


if __name__ == "__main__":
    _main()
