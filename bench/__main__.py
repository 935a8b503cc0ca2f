"""`python -m bench [--only NAME]`: measures, prints a table, keeps all in bench/results.json."""

import signal
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from bench.child import FailedError, run
from bench.circumstances import Circumstances, circumstances, look_before
from bench.measurements import MEASUREMENTS, Measurement, chosen
from bench.reach import reaches
from bench.results import Figure, Result
from bench.site import site
from bench.store import RESULTS, save
from bench.table import table

_console = Console()


def main(
    only: Annotated[
        str | None, typer.Option(help="Measure this figure alone, or this measurement.")
    ] = None,
) -> None:
    """Measure the authority beside bare references, on this machine.

    What takes many minutes is measured only when it is named: --only growth.
    """
    measurements = chosen(only)
    if not measurements:
        known = dict.fromkeys(name for each in MEASUREMENTS for name in (each.name, *each.figures))
        raise typer.BadParameter(
            f"there is no figure {only!r}, but {', '.join(known)}", param_hint="--only"
        )
    # Ended from outside, it still takes its servers with it.
    signal.signal(signal.SIGTERM, _interrupt)
    figures: list[Figure] = []
    taken = None
    has_failed = False
    for measurement in measurements:
        try:
            results, taken = _measured(measurement)
        except FailedError as error:
            # The others are worth their while all the same.
            has_failed = True
            _say_failed(measurement, error)
        else:
            save(results, taken)
            figures += [result for result in results if isinstance(result, Figure)]
    if taken is not None:
        _show(figures, taken)
    if has_failed:
        raise typer.Exit(1)


def _measured(measurement: Measurement) -> tuple[list[Result], Circumstances]:
    names = ", ".join(measurement.figures)
    with _console.status(f"{names}: looking at the machine") as status:
        before = look_before()
        status.update(f"{names}: starting the authority")
        with site(on_one_core=not measurement.has_edge) as where:
            taken = circumstances(where, before)
            work, seconds = measurement.work, measurement.seconds
            results = run(work, where, lambda text: status.update(f"{names}: {text}"), seconds)
    return results, taken


def _say_failed(measurement: Measurement, error: FailedError) -> None:
    text = f"no {', '.join(measurement.figures)}: {error}"
    _console.print(text, style="red", markup=False, highlight=False)


def _show(figures: Sequence[Figure], taken: Circumstances) -> None:
    caption = (
        f"{taken.machine}, shared by database, authority and load generator; "
        f"{taken.busy_before:.0%} busy before; Python {taken.versions['python']}; "
        f"written to {RESULTS}"
    )
    _console.print(table(figures, reaches(), caption))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(main)
