"""`python -m bench.page`: writes docs/performance.md and its plots from bench/results.json."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bench.circumstances import Circumstances
from bench.plots import PLOTS, Plot, draw
from bench.reach import Reach, reaches
from bench.results import Figure
from bench.store import RESULTS, Stored, load
from bench.table import number

_DOCS = Path(__file__).parents[1] / "docs"
_QUIET = 0.1
"""Others' share of the machine above which a figure says little."""

_HEAD = """\
# Performance

Written by `make bench-page` from what `make bench` and `make bench ONLY=growth`
measured: edit [`bench/reaches.toml`](../bench/reaches.toml) or the generator, not
this page.

Each figure stands beside a bare reference that was measured in the same run, turn
by turn, on the same two cores that database, authority and load generator share.
A commit is on disk before it is answered. Figures are medians of their rounds,
after a round that warms up; between lowest and highest lies all that was seen.
Compare ratios: absolute numbers belong to the machine. The authority stays on one
processor (`hushpost serve --cpu`), except beside an edge; everything else runs where
the kernel puts it.
"""


def main(
    results: Annotated[Path, typer.Option(help="What to read.")] = RESULTS,
    docs: Annotated[Path, typer.Option(help="Where to write performance.md.")] = _DOCS,
    suffix: Annotated[str, typer.Option(help="svg, or png to look at.")] = "svg",
) -> None:
    """Write the page of figures, and its plots."""
    stored = load(results)
    if not stored.figures:
        raise typer.BadParameter(f"there are no figures in {results}: run make bench")
    folder = docs / "performance"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [plot for plot in PLOTS if all(name in stored.curves for name in plot.curves)]
    for plot in drawn:
        curves = [stored.curves[name] for name in plot.curves]
        draw(plot, curves, folder / f"{plot.name}.{suffix}")
    page = docs / "performance.md"
    page.write_text("\n".join(_lines(stored, drawn, suffix)).rstrip() + "\n")
    typer.echo(f"{page}: {len(stored.figures)} figures, {len(drawn)} plots")


def _lines(stored: Stored, drawn: list[Plot], suffix: str) -> Iterator[str]:
    known = reaches()
    names = [name for name in known if name in stored.figures]
    names += sorted(stored.figures.keys() - known.keys())
    yield _HEAD
    yield from _machine(stored)
    yield from _overview(stored, names, known)
    yield "## Curves\n"
    for plot in drawn:
        conditions = "; ".join(
            dict.fromkeys(stored.curves[name].conditions for name in plot.curves)
        )
        yield f"![{plot.title}](performance/{plot.name}.{suffix})\n\n{plot.title}: {conditions}.\n"
    yield "## Figures\n"
    for name in names:
        yield from _section(stored.figures[name], known.get(name), stored.taken[name])


def _machine(stored: Stored) -> Iterator[str]:
    """Say where most figures were taken; those taken elsewhere say so themselves."""
    newest = max((stored.taken[name] for name in stored.figures), key=lambda taken: taken.date)
    yield "## Machine\n"
    yield f"- {newest.machine}; {newest.system}"
    versions = ", ".join(f"{name} {version}" for name, version in newest.versions.items())
    yield f"- {versions}"
    yield f"- at commit `{newest.commit}`, {newest.date}\n"


def _overview(stored: Stored, names: list[str], known: dict[str, Reach]) -> Iterator[str]:
    yield "## Overview\n"
    yield "| figure | median | reach | reached |"
    yield "| --- | ---: | ---: | --- |"
    for name in names:
        figure, reach = stored.figures[name], known.get(name)
        goal, reached = "", ""
        if reach is not None and reach.is_set:
            goal, reached = str(reach), "yes" if reach.is_reached(figure.value) else "**no**"
        unit = "" if figure.unit == "ratio" else f" {figure.unit}"
        yield f"| [`{name}`](#{name}) | {number(figure.value)}{unit} | {goal} | {reached} |"
    yield ""


def _section(figure: Figure, reach: Reach | None, taken: Circumstances) -> Iterator[str]:
    yield f"### {figure.name}\n"
    if reach is not None:
        yield f"{reach.meaning}\n"
    unit = "" if figure.unit == "ratio" else f" {figure.unit}"
    spread = f"{number(figure.low)} … {number(figure.high)}"
    yield f"- **{number(figure.value)}{unit}** ({spread}, {figure.rounds} rounds)"
    if reach is not None and reach.is_set:
        verdict = "reached" if reach.is_reached(figure.value) else "not reached"
        yield f"- reach: {reach}, {verdict}"
    if figure.reference:
        ratio = "" if figure.ratio is None else f"{number(figure.ratio)} of "
        yield f"- beside: {ratio}{figure.reference}"
    yield f"- conditions: {figure.conditions}"
    noise = ""
    if taken.busy_before > _QUIET:
        noise = f"; **others took {taken.busy_before:.0%} of the machine: noisy**"
    yield f"- taken: {taken.date}, commit `{taken.commit}`, load average {taken.load_before}{noise}"
    if reach is not None and reach.limit:
        yield f"\nWhat limits it: {reach.limit}"
    yield ""


if __name__ == "__main__":
    typer.run(main)
