"""`python -m bench [--only NAME]`: measures, prints a table, writes bench/results.json."""

import os
import platform
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from bench import clicks, edge, end_to_end, events, growth, issuing, rendering
from bench.child import FailedError, Work, run
from bench.results import Figure, save, table
from bench.site import site

_RESULTS = Path(__file__).with_name("results.json")
_SECONDS = 180.0
"""A measurement that takes longer hangs."""

_MEASUREMENTS: dict[Work, tuple[str, ...]] = {
    clicks.measure: ("record_click_vs_echo",),
    events.measure_mixed: (
        "record_events_per_second",
        "record_events_vs_copy",
        "record_events_vs_concurrent_copy",
    ),
    events.measure_identified: ("record_events_identified_per_second",),
    events.measure_anonymous: ("record_events_anonymous_per_second",),
    issuing.measure: ("issue_tokens_per_second",),
    growth.measure: ("stats_growth",),
    edge.measure: ("edge_click_vs_bare", "edge_p99_over_median"),
    end_to_end.measure: ("end_to_end_clicks_per_second",),
    rendering.measure: ("render_messages_per_second", "render_vs_pytracking"),
}
"""What measures which figures."""

_console = Console()


def main(
    only: Annotated[str | None, typer.Option(help="Measure this figure alone.")] = None,
) -> None:
    """Measure the authority beside bare references, on this machine."""
    chosen = [work for work, names in _MEASUREMENTS.items() if only is None or only in names]
    if not chosen:
        known = ", ".join(name for names in _MEASUREMENTS.values() for name in names)
        raise typer.BadParameter(f"there is no figure {only!r}, but {known}", param_hint="--only")
    # Ended from outside, it still takes its servers with it.
    signal.signal(signal.SIGTERM, _interrupt)
    load = os.getloadavg()[0]
    try:
        measured = [figure for work in chosen for figure in _measured(work)]
    except FailedError as error:
        _console.print(f"no figures: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    figures = [figure for figure in measured if only in (None, figure.name)]
    save(figures, _RESULTS)
    _show(figures, load)


def _measured(work: Work) -> list[Figure]:
    names = ", ".join(_MEASUREMENTS[work])
    with _console.status(f"{names}: starting the authority") as status, site() as where:
        return run(work, where, lambda text: status.update(f"{names}: {text}"), _SECONDS)


def _show(figures: Sequence[Figure], load: float) -> None:
    caption = (
        f"{os.cpu_count()} cores shared by database, authority and load generator; "
        f"Python {platform.python_version()}; load average before: {load:.2f}; "
        f"written to {_RESULTS}"
    )
    _console.print(table(figures, caption))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(main)
