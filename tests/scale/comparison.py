"""Runs all operations on a database and on one with fewer events, and compares the buffers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from tests.scale.metering import Measured, Meter, opened_meter
from tests.scale.operations import OPERATIONS, Operation, Operations
from tests.scale.shape import Size

__all__ = ["MAX_RATIO", "PHASES", "Comparison", "Place", "compared", "measured"]

MAX_RATIO = 1.5
"""How many times as many buffers an operation may touch. A B-tree of 100 times as many rows has
one more level: five pages instead of four for a row."""

PHASES = ("before ANALYZE", "after ANALYZE")


class Place(NamedTuple):
    """A database that has been filled: its address, that of another one, and its size."""

    uri: str
    server: str
    size: Size


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operation in a phase, on both databases."""

    operation: Operation
    phase: str
    small: Measured
    large: Measured

    @property
    def ratio(self) -> float:
        """How many times as many buffers the operation touches in the larger database."""
        return self.large.buffers / max(self.small.buffers, 1)

    @property
    def is_too_large(self) -> bool:
        """Whether it grows and must not."""
        return (
            not self.operation.growth
            and self.ratio > MAX_RATIO
            and self.large.buffers > self.operation.buffers
        )


async def measured(
    place: Place, now: datetime, report: Callable[[str], None], phases: Sequence[str] = PHASES
) -> dict[tuple[str, str], Measured]:
    """Return the measurements of all operations, by name and phase.

    Each phase has a new connection, whose plans are made then. Each operation runs once before it
    is measured, so that PostgreSQL has read its catalogs.
    """
    found = {}
    for number, phase in enumerate(phases):
        if number:
            report("analyze")
            await _analyze(place.uri)
        async with opened_meter(place.uri, place.server) as meter:
            operations = Operations(meter.database, place.size, now, consumed=2 * number)
            for is_measured in (False, True):
                for operation in OPERATIONS:
                    report(f"{phase}: {operation.name}{'' if is_measured else ', to warm up'}")
                    found[operation.name, phase] = await _measured(operation, operations, meter)
                operations.next_run()
    return found


async def compared(
    small: Place,
    large: Place,
    now: datetime,
    report: Callable[[str], None],
    phases: Sequence[str] = PHASES,
) -> list[Comparison]:
    """Measure all operations on two databases, and compare them."""
    of_small = await measured(small, now, report, phases)
    of_large = await measured(large, now, report, phases)
    return [
        Comparison(
            operation, phase, of_small[operation.name, phase], of_large[operation.name, phase]
        )
        for operation in OPERATIONS
        for phase in phases
    ]


async def _measured(operation: Operation, operations: Operations, meter: Meter) -> Measured:
    if operation.prepare:
        await operation.prepare(operations)
    return await meter.measure(lambda: operation.run(operations))


async def _analyze(uri: str) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute("analyze")
    finally:
        await connection.close()
