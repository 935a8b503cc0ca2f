"""`python -m bench [--only NAME]`: measure, print a table, update bench/results.json."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from bench.authority import running_authority
from bench.child_process import MeasurementFailedError, run_in_child
from bench.environment import Environment, describe_environment, measure_background_load
from bench.registry import MEASUREMENTS, Measurement, select
from bench.results import Figure, Result
from bench.results_file import RESULTS_FILE, save
from bench.table import figures_table
from bench.targets import load_targets
from tests.interruption import interrupt_on_sigterm

_console = Console()


def main(
    only: Annotated[
        str | None, typer.Option(help="Run only the measurement with this name or figure.")
    ] = None,
) -> None:
    """Measure Hushpost next to bare references on this machine.

    Measurements that take many minutes run only when selected: --only growth.
    """
    measurements = select(only)
    if not measurements:
        names = dict.fromkeys(
            name
            for measurement in MEASUREMENTS
            for name in (measurement.name, *measurement.figures)
        )
        raise typer.BadParameter(
            f"no measurement or figure is named {only!r}; choose from {', '.join(names)}",
            param_hint="--only",
        )
    interrupt_on_sigterm()
    figures: list[Figure] = []
    environment = None
    has_failed = False
    for measurement in measurements:
        try:
            results, environment = _run(measurement)
        except MeasurementFailedError as error:
            has_failed = True
            _print_failure(measurement, error)
        else:
            save(results, environment)
            figures += [result for result in results if isinstance(result, Figure)]
    if environment is not None:
        _print_figures(figures, environment)
    if has_failed:
        raise typer.Exit(1)


def _run(measurement: Measurement) -> tuple[list[Result], Environment]:
    names = ", ".join(measurement.figures)
    with _console.status(f"{names}: measuring the background load") as status:
        background = measure_background_load()
        status.update(f"{names}: starting the authority")
        with running_authority(*measurement.options, pin_to_cpu=measurement.is_pinned) as authority:
            environment = describe_environment(authority, background)
            results = run_in_child(
                measurement.measure,
                authority,
                lambda text: status.update(f"{names}: {text}"),
                measurement.timeout,
            )
    return results, environment


def _print_failure(measurement: Measurement, error: MeasurementFailedError) -> None:
    text = f"{', '.join(measurement.figures)} failed: {error}"
    _console.print(text, style="red", markup=False, highlight=False)


def _print_figures(figures: Sequence[Figure], environment: Environment) -> None:
    caption = (
        f"{environment.machine}, shared by database, authority and load generator; "
        f"{environment.busy_before:.0%} busy before; Python {environment.versions['python']}; "
        f"written to {RESULTS_FILE}"
    )
    _console.print(figures_table(figures, load_targets(), caption))


if __name__ == "__main__":
    typer.run(main)
