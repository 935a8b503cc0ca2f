"""`python -m bench.soak`: run an installation under steady load, and fail if anything grows.

Writes the samples to `dist/soak/soak.json` and a plot to `dist/soak/soak.svg`. `trend` has the rule of what grows.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.soak.picture import draw_recording
from bench.soak.run import Outcome, Plan, soak
from tests.interruption import interrupt_on_sigterm

_console = Console()


def main(
    minutes: Annotated[float, typer.Option(help="How long the load lasts.")] = 30,
    rate: Annotated[
        float | None, typer.Option(help="Clicks per second; by default 70% of the capacity.")
    ] = None,
    *,
    sample_seconds: Annotated[float, typer.Option(help="Time between samples.")] = 5,
    campaign_seconds: Annotated[float, typer.Option(help="Time between new campaigns.")] = 60,
    warm_up_calls: Annotated[
        int, typer.Option(help="Single clicks per authority that fill its caches.")
    ] = 100_000,
    control: Annotated[
        bool, typer.Option(help="Sample a process that leaks too, which must be reported.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("dist/soak"),
) -> None:
    """Run two authorities and two edges under steady load, and look for growth."""
    plan = Plan(
        minutes * 60,
        rate,
        sample_seconds=sample_seconds,
        campaign_seconds=campaign_seconds,
        warm_up_calls=warm_up_calls,
        has_control=control,
    )
    interrupt_on_sigterm()
    with _console.status("starting the installation") as status:
        outcome = uvloop.run(soak(plan, status.update))
    _write(outcome, output)
    _print(outcome, output)
    if outcome.recording.growing():
        raise typer.Exit(1)


def _write(outcome: Outcome, folder: Path) -> None:
    recording = outcome.recording
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "rate": outcome.rate,
        "capacity": outcome.capacity,
        "clicks": outcome.clicks,
        "times": recording.times,
        "series": [asdict(series) for series in recording.series.values()],
        "trends": {name: asdict(each) for name, each in recording.trends().items()},
    }
    (folder / "soak.json").write_text(json.dumps(content, indent=1) + "\n")
    draw_recording(recording, folder / "soak.svg")


def _print(outcome: Outcome, folder: Path) -> None:
    table = Table("series", "mean", "per hour", "at least", "rise", "")
    for name, each in outcome.recording.trends().items():
        unit = outcome.recording.series[name].unit
        table.add_row(
            name,
            f"{each.mean:,.1f} {unit}",
            f"{each.growth_per_hour:+.1%}",
            f"{each.least_growth_per_hour:+.1%}",
            f"{each.rise:+,.1f}",
            "grows" if each.is_growing else "",
            style="red" if each.is_growing else None,
        )
    table.caption = (
        f"{outcome.clicks:,} clicks at {outcome.rate:,.0f} per second, all counted once; {folder}"
    )
    _console.print(table)


if __name__ == "__main__":
    typer.run(main)
