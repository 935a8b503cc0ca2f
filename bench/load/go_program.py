"""Builds the load generators, which are compiled: in Python, they would be what is measured."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["built_go_program"]

_BUILD_SETTINGS = {"GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}
"""As in `make go-check`, so that both share what they compile."""


@asynccontextmanager
async def built_go_program(name: str) -> AsyncIterator[Path]:
    """Build the program of the folder `name` next to this file; it is deleted on exit."""
    go = shutil.which("go")
    assert go is not None, "the load generator needs Go: https://go.dev/dl"
    with TemporaryDirectory(prefix=f"hushpost-{name.replace('_', '-')}-") as folder:
        program = Path(folder) / name
        build = await asyncio.create_subprocess_exec(
            go,
            *("build", "-o", str(program), "."),
            cwd=Path(__file__).parent / name,
            env={**os.environ, **_BUILD_SETTINGS},
        )
        assert await build.wait() == 0, "the load generator cannot be built"
        yield program
