"""`python -m bench.scale`: fill two databases, measure operations, fail if one grows."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
from rich.console import Console

from bench.environment import describe_machine, measure_background_load
from bench.scale.page import Result, write
from bench.scale.rates import registration_rates, scrub_rate
from hushpost_service.storage.embedded import EmbeddedDatabase
from tests.interruption import interrupt_on_sigterm
from tests.scale.comparison import MAX_RATIO, Place, compared
from tests.scale.filling import fill
from tests.scale.shape import Size

_SHRINK = 100
_console = Console()


def main(
    events: Annotated[int, typer.Option(min=10_000)] = 100_000_000,
    tenants: Annotated[int, typer.Option(min=1)] = 10_000,
    campaigns: Annotated[int, typer.Option(min=10)] = 3000,
) -> None:
    """Measure what operations touch in a database with many events and with a hundredth of them."""
    sizes = (Size(events // _SHRINK, tenants, campaigns), Size(events, tenants, campaigns))
    interrupt_on_sigterm()
    result = asyncio.run(_run(*sizes))
    write(result)
    too_large = [each for each in result.comparisons if each.is_too_large]
    for each in too_large:
        _console.print(
            f"{each.operation.name}, {each.phase}: {each.ratio:.1f} times the buffers, "
            f"more than {MAX_RATIO}",
            style="red",
        )
    if too_large:
        raise typer.Exit(1)


async def _run(small: Size, large: Size) -> Result:
    now = datetime.now(UTC)
    background = measure_background_load()
    start = time.monotonic()

    def report(text: str) -> None:
        _console.print(f"{time.monotonic() - start:7.1f} s  {text}", highlight=False)

    with TemporaryDirectory(prefix="hushpost-scale-") as folder:
        embedded = EmbeddedDatabase(Path(folder))
        server = await embedded.start()
        try:
            places = []
            for name, size in (("small", small), ("large", large)):
                report(f"filling {size.events:,} events")
                places.append(Place(await _create(server, name), server, size))
                await fill(places[-1].uri, size, now, report)
            filled = time.monotonic()
            comparisons = await compared(places[0], places[1], now, report)
            measured = time.monotonic()
            report("links a second, and the scrub of a month")
            uri = places[1].uri
            return Result(
                small,
                large,
                comparisons,
                await registration_rates(uri, large, now),
                await scrub_rate(uri, now),
                filled - start,
                measured - filled,
                describe_machine(),
                background.busy,
            )
        finally:
            await embedded.stop()


async def _create(server: str, name: str) -> str:
    """Create a database; return its address."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    return server.replace("/postgres?", f"/{name}?")


if __name__ == "__main__":
    typer.run(main)
