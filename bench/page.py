"""`python -m bench.page`: write docs/performance.md and its plots from bench/results.json."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bench.environment import Environment
from bench.plots import PLOTS, Plot, draw
from bench.registry import MEASUREMENTS
from bench.results import Figure, format_number
from bench.results_file import RESULTS_FILE, StoredResults, load
from bench.targets import Target, load_targets

_DOCS = Path(__file__).parents[1] / "docs"
_NOISY = 0.1
"""Background load, as a share of all CPUs, above which a figure is marked as noisy."""

_HEAD = """\
# Performance

This page is generated: `make bench` and `make bench ONLY=growth` measure, `make bench-page`
writes the page. To change it, edit [`bench/targets.toml`](../bench/targets.toml) or the
generator, `bench/page.py`.

Each figure is compared with a bare reference, measured in turn in the same run, on the same two
cores, which database, authority and load generator share. Every commit is on disk before
its response. Figures are medians over rounds, after a warm-up round, with the lowest and
the highest round in parentheses. Compare ratios; absolute numbers depend on the machine. The
authority is pinned to one CPU (`hushpost serve --cpu`), except for {unpinned}.
"""


def main(
    results: Annotated[Path, typer.Option(help="File with results.")] = RESULTS_FILE,
    docs: Annotated[Path, typer.Option(help="Folder to write performance.md to.")] = _DOCS,
) -> None:
    """Write the page of figures and its plots."""
    stored = load(results)
    if not stored.figures:
        raise typer.BadParameter(f"no figures in {results}: run make bench first")
    folder = docs / "performance"
    folder.mkdir(parents=True, exist_ok=True)
    plots = [plot for plot in PLOTS if plot.curve in stored.curves]
    for plot in plots:
        draw(plot, stored.curves[plot.curve], folder / f"{plot.name}.svg")
    targets = load_targets()
    figures = [stored.figures[name] for name in targets if name in stored.figures]
    page = docs / "performance.md"
    page.write_text("\n".join(_page(stored, figures, targets, plots)).rstrip() + "\n")
    typer.echo(f"{page}: {len(figures)} figures, {len(plots)} plots")


def _unpinned(figures: list[Figure]) -> str:
    """Name the figures that are measured with an authority on all CPUs."""
    unpinned = {name for each in MEASUREMENTS if not each.is_pinned for name in each.figures}
    *names, last = [f"`{figure.name}`" for figure in figures if figure.name in unpinned]
    return f"{', '.join(names)} and {last}"


def _page(
    stored: StoredResults, figures: list[Figure], targets: dict[str, Target], plots: list[Plot]
) -> Iterator[str]:
    environments = [stored.environments[figure.name] for figure in figures]
    yield _HEAD.format(unpinned=_unpinned(figures))
    yield from _machine(max(environments, key=lambda environment: environment.date))
    yield from _overview(figures, targets)
    yield "## Plots\n"
    for plot in plots:
        yield f"![{plot.title}](performance/{plot.name}.svg)\n"
        yield f"{plot.title}: {stored.curves[plot.curve].conditions}.\n"
    yield "## Figures\n"
    for figure, environment in zip(figures, environments, strict=True):
        yield from _section(figure, targets[figure.name], environment)


def _machine(newest: Environment) -> Iterator[str]:
    """Describe the machine of the newest figure; each figure names its own commit and date."""
    yield "## Machine\n"
    yield f"- {newest.machine}; {newest.system}"
    yield f"- {', '.join(f'{name} {version}' for name, version in newest.versions.items())}"
    yield f"- commit `{newest.commit}`, {newest.date}\n"


def _overview(figures: list[Figure], targets: dict[str, Target]) -> Iterator[str]:
    yield "## Overview\n"
    yield "| figure | median | target | met |"
    yield "| --- | ---: | ---: | --- |"
    for figure in figures:
        target = targets[figure.name]
        met = ""
        if target.is_set:
            met = "yes" if target.is_met(figure.value) else "**no**"
        link = f"[`{figure.name}`](#{figure.name})"
        yield f"| {link} | {figure.value_with_unit} | {target} | {met} |"
    yield ""


def _section(figure: Figure, target: Target, environment: Environment) -> Iterator[str]:
    yield f"### {figure.name}\n"
    yield f"{target.meaning.strip()}\n"
    spread = f"{format_number(figure.low)} … {format_number(figure.high)}"
    yield f"- **{figure.value_with_unit}** ({spread}, {figure.rounds} rounds)"
    if target.is_set:
        yield f"- target: {target}, {'met' if target.is_met(figure.value) else 'missed'}"
    if figure.reference:
        yield f"- reference: {figure.reference_with_ratio}"
    yield f"- conditions: {figure.conditions}"
    noise = ""
    if environment.busy_before > _NOISY:
        noise = f"; **noisy: {environment.busy_before:.0%} of all CPUs were busy before**"
    yield (
        f"- measured: {environment.date}, commit `{environment.commit}`, load average "
        f"{environment.load_before}{noise}"
    )
    if target.limit:
        yield f"\nBottleneck: {target.limit.strip()}"
    yield ""


if __name__ == "__main__":
    typer.run(main)
