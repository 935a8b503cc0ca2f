"""The program that `hushpost dashboard` executes."""

import multiprocessing

from hushpost_dashboard.settings import Settings
from hushpost_runtime.http_server import http_server
from hushpost_runtime.logging import configure_logging
from hushpost_runtime.settings import read_settings


def _main() -> None:
    settings = read_settings(Settings)
    configure_logging(settings.log_level)
    # A fork would copy threads in an inconsistent state.
    multiprocessing.set_start_method("spawn")
    # One worker: sign-outs and the limit of attempts are in its memory.
    http_server(
        "hushpost_dashboard.app:create_app",
        settings.listen,
        workers=1,
        drain_seconds=settings.drain_seconds,
    ).serve()


if __name__ == "__main__":
    _main()
