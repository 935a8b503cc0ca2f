"""Runs the dashboard as a child process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hushpost_demo.child_process import running_child
from hushpost_demo.http_child import HttpChild

__all__ = ["running_dashboard"]


@asynccontextmanager
async def running_dashboard(
    command: Path, data_dir: Path, listen: str, authority: str
) -> AsyncIterator[HttpChild]:
    """Run `hushpost dashboard` until the block ends. Await `ready` before using it.

    People stay signed in between runs.
    """
    dashboard: list[str | Path] = [
        *(command, "dashboard", "--listen", listen, "--authority", authority),
        *("--session-key-file", data_dir / "dashboard-session.key"),
        *("--drain-seconds", "0"),
    ]
    async with running_child(dashboard, data_dir / "dashboard.log") as child:
        yield HttpChild("dashboard", listen, child, "/healthz")
