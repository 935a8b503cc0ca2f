"""Builds and runs the compiled load generator, `bench/load/call_load`."""

import asyncio
import json
import struct
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

import grpc

from bench.load.call_results import CallResult, CallResults
from bench.load.go_program import built_go_program
from bench.results import Spread

__all__ = ["CallLoad", "CallLoadResult", "Calls", "checked_cpu_share"]

_MAX_CPU_SHARE = 0.7
"""Above this, the load generator itself is the bottleneck."""

_STATUSES = {code.value[0]: code.name for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Calls:
    """What to send.

    Attributes:
        target: Address of the server.
        method: Path of the method.
        authorization: Value of the header.
        messages: Encoded requests; they are sent in turn.
        count: Number of calls.
        request_id_field: Number of a string field that gets a new UUID for each call, unless 0.
        expected: The encoded response that every successful call should return; empty if it varies.
        connections: Number of connections that the calls share.
        timeout: Deadline of each call in seconds.
    """

    target: str
    method: str
    authorization: str
    messages: Sequence[bytes]
    count: int
    request_id_field: int = 0
    expected: bytes = b""
    connections: int = 1
    timeout: float = 30

    @property
    def options(self) -> tuple[str, ...]:
        """Command line options for these calls."""
        return (
            *("-target", self.target, "-method", self.method),
            *("-calls", str(self.count), "-connections", str(self.connections)),
            *("-request-id-field", str(self.request_id_field)),
            *("-expected", self.expected.hex(), "-timeout", f"{self.timeout}s"),
        )


@dataclass(frozen=True, slots=True)
class CallLoadResult:
    """How calls ended.

    Attributes:
        results: Every call.
        seconds: Time until the last one ended.
        cpu_seconds: CPU time of the load generator.
        unexpected: Number of successful calls whose response was not the expected one.
        errors: An example of each error, by status code.
    """

    results: CallResults
    seconds: float
    cpu_seconds: float
    unexpected: int
    errors: Mapping[str, str]

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> Self:
        """Convert the report of the program, see `call_load/loop.go`."""
        calls = [
            CallResult(due, completed, _STATUSES[code])
            for due, completed, code in zip(
                report["due"], report["completed"], report["statuses"], strict=True
            )
        ]
        return cls(
            CallResults(calls, report["sending_seconds"]),
            report["seconds"],
            report["cpu_seconds"],
            report["unexpected"],
            report["errors"],
        )

    @property
    def cpu_share(self) -> float:
        """Share of one core that the load generator used."""
        return self.cpu_seconds / self.seconds

    @property
    def calls_per_second(self) -> float:
        """Throughput of all calls."""
        return len(self.results.calls) / self.seconds

    def check_responses(self) -> None:
        """Assert that successful calls returned what was expected."""
        assert not self.unexpected, f"{self.unexpected} calls returned another response"

    def check(self) -> None:
        """Assert that every call succeeded, with the expected response."""
        assert not self.errors, f"{self.results.statuses}, for example {self.errors}"
        self.check_responses()


def checked_cpu_share(shares: Sequence[float]) -> float:
    """Return the median of the shares of one core that the load generator used.

    Asserts that the load generator was not the bottleneck.
    """
    share = Spread.of(shares).median
    assert share < _MAX_CPU_SHARE, f"the load generator used {share:.0%} of a core"
    return share


class CallLoad:
    """The load generator. Use it as a context manager: it is built at the start."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._program = await self._stack.enter_async_context(built_go_program("call_load"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run_callers(self, calls: Calls, callers: int) -> CallLoadResult:
        """Send the calls in a closed loop: `callers` at a time."""
        return await self._run(calls, "-callers", str(callers))

    async def run_at_rate(self, calls: Calls, rate: float) -> CallLoadResult:
        """Send the calls in an open loop: `rate` per second, also if responses are late."""
        return await self._run(calls, "-rate", str(rate))

    async def _run(self, calls: Calls, *loop: str) -> CallLoadResult:
        process = await asyncio.create_subprocess_exec(
            self._program,
            *(*calls.options, *loop),
            stdin=PIPE,
            stdout=PIPE,
            env={"AUTHORIZATION": calls.authorization},
        )
        try:
            output, _ = await process.communicate(
                b"".join(struct.pack(">I", len(message)) + message for message in calls.messages)
            )
        finally:
            if process.returncode is None:  # the measurement was cancelled
                process.kill()
                await process.wait()
        assert process.returncode == 0, "the load generator failed"
        return CallLoadResult.from_report(json.loads(output))
