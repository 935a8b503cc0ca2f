"""The command `hushpost demo`."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hushpost_demo.course import Demo
from hushpost_demo.failure import DemoError
from hushpost_demo.listening import check_address

__all__ = ["register"]

_LISTEN = "127.0.0.1:50051"
_EDGE_LISTEN = "127.0.0.1:8080"
_FREE_PORT = "127.0.0.1:0"
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("demo")(_demo)


def _demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit after the report.")] = False,
    data_dir: Annotated[
        Path, typer.Option(help="Folder of the database, the keys and the log.")
    ] = Path(".hushpost"),
    listen: Annotated[
        str | None,
        typer.Option(help=f"Address of gRPC. Default: {_LISTEN}; with --once a free port."),
    ] = None,
    edge_listen: Annotated[
        str | None,
        typer.Option(help=f"Address of HTTP. Default: {_EDGE_LISTEN}; with --once a free port."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another number: recipients do other things.")] = 1,
) -> None:
    """Play a campaign through a real authority, check its report, and keep serving.

    Starts an embedded PostgreSQL, the authority and an edge, imports 500 contacts,
    mails them, and has them open, click and opt out. Each number of the report
    is compared with what was sent.

    Exit codes: 0 all numbers match, 1 they do not or something failed, 130
    interrupted before the report.
    """
    listen = listen or (_FREE_PORT if once else _LISTEN)
    edge_listen = edge_listen or (_FREE_PORT if once else _EDGE_LISTEN)
    try:
        check_address(listen, "--listen")
        check_address(edge_listen, "--edge-listen")
        data_dir.mkdir(parents=True, exist_ok=True)
        # The console script that runs this is the one to run the other commands by.
        demo = Demo(Path(sys.argv[0]), data_dir, listen, edge_listen, seed, Console())
        code = asyncio.run(_until_interrupted(demo.run(once=once)))
    except (DemoError, OSError) as error:
        typer.echo(f"hushpost: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(code)


async def _until_interrupted(work: Coroutine[Any, Any, int]) -> int:
    """Do some work; Ctrl-C and SIGTERM cancel it, once, so that it can tidy up."""
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
        return await task
    except asyncio.CancelledError:
        return _INTERRUPTED
