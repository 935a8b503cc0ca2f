"""Builds and runs the compiled load generator, `bench/load/click_load`."""

import asyncio
import json
import shutil
import struct
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from google.protobuf.message import Message

__all__ = ["ClickLoad", "ClickLoadResult"]

_SOURCE = Path(__file__).parent / "click_load"
_METHOD = "/hushpost.v1.TrackingService/RecordClick"


@dataclass(frozen=True, slots=True)
class ClickLoadResult:
    """How long calls took, and how much CPU time the load generator spent on them."""

    seconds: float
    cpu_seconds: float


class ClickLoad:
    """The load generator. Use it as a context manager: it is built at the start."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="hushpost-click-load-")
        self._program = Path(self._folder.name) / "click_load"

    async def __aenter__(self) -> Self:
        go = shutil.which("go")
        assert go is not None, "the load generator needs Go: https://go.dev/dl"
        build = await asyncio.create_subprocess_exec(
            go, "build", "-o", self._program, ".", cwd=_SOURCE
        )
        assert await build.wait() == 0, "the load generator cannot be built"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._folder.cleanup()

    async def run(
        self,
        target: str,
        authorization: str,
        requests: Sequence[Message],
        callers: int,
        connections: int = 1,
    ) -> ClickLoadResult:
        """Send each request of `RecordClick` once; assert that all succeed."""
        messages = [request.SerializeToString() for request in requests]
        process = await asyncio.create_subprocess_exec(
            self._program,
            *("-target", target, "-method", _METHOD),
            *("-callers", str(callers), "-connections", str(connections)),
            stdin=PIPE,
            stdout=PIPE,
            env={"AUTHORIZATION": authorization},
        )
        output, _ = await process.communicate(
            b"".join(struct.pack(">I", len(message)) + message for message in messages)
        )
        assert process.returncode == 0, "calls failed"
        return ClickLoadResult(**json.loads(output))
