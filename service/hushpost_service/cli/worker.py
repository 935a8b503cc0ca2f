"""The entry point of a worker process: `python -m hushpost_service.cli.worker`."""

import sys

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_service.app import serve
from hushpost_service.cli.invocation import run, settings_of
from hushpost_service.settings import Settings
from hushpost_service.workers.worker_process import stop_with_main_process

__all__ = ["main"]


def main() -> None:
    """Serve until SIGTERM or SIGINT, or the end of the main process."""
    settings = settings_of()
    configure_logging(settings.log_level)
    run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop_with_main_process()
    await serve(settings, lambda address: print(address, flush=True), shares_addresses=True)  # noqa: T201


if __name__ == "__main__":
    try:
        main()
    except typer.Exit as end:
        sys.exit(end.exit_code)
