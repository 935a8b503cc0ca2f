"""The main process of several workers: prepares the database, starts them, and replaces them.

It opens no address itself, so a call costs nothing here. The workers are authorities like those on
other machines: they share nothing but the database and the addresses.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from hushpost_service.graceful_shutdown import exit_after
from hushpost_service.settings import Settings
from hushpost_service.startup import opened_database, opened_keyring, session_name
from hushpost_service.workers.shared_addresses import reserved_address
from hushpost_service.workers.worker_process import WorkerProcess, settings_of_worker

__all__ = ["WorkerError", "serve_with_workers"]

_log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 1.0
"""Between the end of a worker and the start of the next one."""

_LIMIT_SECONDS = 20.0
"""Time for stopping, beyond that for calls in progress. Workers take at most half of it."""

_ADDRESSES = ("listen", "mtls_listen", "health_listen")
"""The settings with the addresses that all workers listen on."""

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class WorkerError(Exception):
    """A worker did not start; it has printed the reason."""


async def serve_with_workers(settings: Settings, on_listening: Callable[[str], None]) -> None:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT.

    `on_listening` is called with the address once all workers accept calls.

    Raises:
        AddressError: Another process listens on an address.
        WorkerError: A worker did not start.
    """
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(_serve(settings, on_listening))

    def stop() -> None:
        exit_after(settings.shutdown_seconds + _LIMIT_SECONDS)
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, lambda: None)  # must not interrupt the clean-up
        serving.cancel()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await serving
    except asyncio.CancelledError:
        _log.info("stopped")


async def _serve(settings: Settings, on_listening: Callable[[str], None]) -> None:
    async with opened_database(settings, session_name(settings)) as opened:
        await opened_keyring(settings, opened.database)
        await opened.database.close()  # each worker has its own connections
        with ExitStack() as stack:
            if opened.embedded is not None:
                # The workers get its address, so that it is an external database to them.
                stack.callback(asyncio.create_task(opened.embedded.keep_running()).cancel)
            addresses = {
                name: stack.enter_context(reserved_address(address))
                for name in _ADDRESSES
                if (address := getattr(settings, name)) is not None
            }
            workers = [
                WorkerProcess(settings_of_worker(settings, number, opened.dsn, addresses))
                for number in range(settings.workers)
            ]
            try:
                await _run(workers, lambda: on_listening(addresses["listen"]))
            finally:
                await _stop(workers)


async def _run(workers: Sequence[WorkerProcess], on_listening: Callable[[], None]) -> None:
    """Start the workers and keep them running, until cancelled."""

    def reload_certificates() -> None:
        for worker in workers:
            worker.send_signal(signal.SIGHUP)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload_certificates)
    if not all(await asyncio.gather(*(worker.start() for worker in workers))):
        raise WorkerError("a worker did not start")
    on_listening()
    await asyncio.gather(*map(_keep_running, workers))


async def _keep_running(worker: WorkerProcess) -> None:
    while True:
        await worker.wait()
        _log.error("a worker has ended; starting another")
        await asyncio.sleep(_PAUSE_SECONDS)
        await worker.start()


async def _stop(workers: Sequence[WorkerProcess]) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    await asyncio.gather(*(worker.wait() for worker in workers))
