"""The command `hushpost demo`."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hushpost_demo.addresses import check_address
from hushpost_demo.demo import Demo
from hushpost_demo.errors import DemoError

__all__ = ["register"]

_LISTEN = "127.0.0.1:50051"
_EDGE_LISTEN = "127.0.0.1:8080"
_DASHBOARD_LISTEN = "127.0.0.1:8081"
_FREE_PORT = "127.0.0.1:0"
_INTERRUPTED = 130  # 128 + SIGINT, as in shells


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("demo")(_demo)


def _demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit after the report.")] = False,
    data_dir: Annotated[
        Path, typer.Option(help="Folder of the database, the keys, the mails and the logs.")
    ] = Path(".hushpost"),
    listen: Annotated[
        str | None,
        typer.Option(
            help=f"Address to serve gRPC on. Default: {_LISTEN}, with --once a free port."
        ),
    ] = None,
    edge_listen: Annotated[
        str | None,
        typer.Option(
            help=f"Address to serve HTTP on. Default: {_EDGE_LISTEN}, with --once a free port."
        ),
    ] = None,
    dashboard_listen: Annotated[
        str, typer.Option(help="Address to serve the dashboard on, without --once.")
    ] = _DASHBOARD_LISTEN,
    seed: Annotated[int, typer.Option(help="Seed of the recipients' behaviour.")] = 1,
) -> None:
    """Run a demo campaign and keep serving until Ctrl-C.

    Starts an embedded PostgreSQL, the authority and an edge, imports 500 contacts,
    sends them a newsletter, and simulates recipients who open, click and opt out.
    Prints the report of the campaign, and the address of a dashboard.

    Exit codes: 0 success, 1 failure, 130 interrupted before the report.
    """
    listen = listen or (_FREE_PORT if once else _LISTEN)
    edge_listen = edge_listen or (_FREE_PORT if once else _EDGE_LISTEN)
    try:
        check_address(listen, "--listen")
        check_address(edge_listen, "--edge-listen")
        if not once:
            check_address(dashboard_listen, "--dashboard-listen")
        data_dir.mkdir(parents=True, exist_ok=True)
        # The other commands run by the same console script.
        command = Path(sys.argv[0])
        demo = Demo(command, data_dir, listen, edge_listen, dashboard_listen, seed, Console())
        completed = asyncio.run(_until_interrupted(demo.run(once=once)))
    except (DemoError, OSError) as error:
        typer.echo(f"hushpost: {error}", err=True)
        raise typer.Exit(1) from error
    if not completed:
        raise typer.Exit(_INTERRUPTED)


async def _until_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Run until done or cancelled by the first Ctrl-C or SIGTERM; return whether it completed."""
    task = asyncio.create_task(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True
