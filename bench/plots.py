"""Draws the curves as SVG: the same bytes for the same results, so that a diff shows a change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.ticker import FuncFormatter

from bench.results import Curve

__all__ = ["PLOTS", "Plot", "draw"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by the colour-blind, too (Okabe and Ito)."""

_SIZE = (7.2, 3.9)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "hushpost",  # else the ids of elements are random
    "svg.fonttype": "path",  # the same on every machine, whatever fonts it has
    "font.family": "DejaVu Sans",  # comes with the library
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
}

Draw = Callable[[Axes, Sequence[Curve]], None]


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of some curves, with a title; `name` is its file's."""

    name: str
    title: str
    curves: tuple[str, ...]
    draw: Draw


def draw(plot: Plot, curves: Sequence[Curve], file: Path) -> None:
    """Write a picture: SVG, or PNG by the file's name."""
    with mpl.rc_context(_STYLE):
        sheet = Sheet(figsize=_SIZE, layout="constrained")
        axes = sheet.subplots()
        plot.draw(axes, curves)
        axes.set_title(plot.title, loc="left", fontweight="bold")
        axes.set_xlabel(curves[0].x_label)
        axes.set_ylabel(curves[0].y_label)
        axes.legend()
        # Without a date the file stays the same.
        metadata = {"Date": None} if file.suffix == ".svg" else {}
        sheet.savefig(file, metadata=metadata, dpi=140)


def _lines(axes: Axes, curves: Sequence[Curve]) -> None:
    _bare_lines(axes, curves)
    axes.set_ylim(bottom=0)


def _bare_lines(axes: Axes, curves: Sequence[Curve]) -> None:
    named = [(curve, line, values) for curve in curves for line, values in curve.lines.items()]
    for (curve, line, values), colour in zip(named, _COLOURS, strict=False):
        axes.plot(curve.x, values, "o-", color=colour, label=line, markersize=4)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_short))


def _by_callers(axes: Axes, curves: Sequence[Curve]) -> None:
    _lines(axes, curves)
    axes.set_xscale("log", base=4)
    axes.set_xticks(curves[0].x, [f"{callers:,.0f}" for callers in curves[0].x])
    axes.minorticks_off()


def _latencies(axes: Axes, curves: Sequence[Curve]) -> None:
    _bare_lines(axes, curves)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(_short))


def _by_events(axes: Axes, curves: Sequence[Curve]) -> None:
    _lines(axes, curves)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(_short))


def _overload(axes: Axes, curves: Sequence[Curve]) -> None:
    _lines(axes, curves)
    peak = next(iter(curves[0].lines.values()))[0]
    axes.axhline(peak, color="#999999", linestyle="--", linewidth=1, label="peak")


def _stacked(axes: Axes, curves: Sequence[Curve]) -> None:
    curve = curves[0]
    axes.stackplot(
        curve.x,
        *curve.lines.values(),
        labels=list(curve.lines),
        colors=_COLOURS[: len(curve.lines)],
        alpha=0.85,
    )
    axes.set_ylim(bottom=0)
    axes.set_xlim(curve.x[0], curve.x[-1])
    axes.xaxis.set_major_formatter(FuncFormatter(_short))


def _costs(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve, what, colour in zip(curves, ("identified", "anonymous"), _COLOURS, strict=False):
        for (line, values), style in zip(curve.lines.items(), ("o-", ":"), strict=False):
            label = f"{line} ({what})"
            axes.plot(curve.x, values, style, color=colour, label=label, markersize=4)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(_short))


def _short(value: float, _place: object = None) -> str:
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"


PLOTS = (
    Plot("clicks-by-callers", "Durable clicks by callers", ("clicks_by_callers",), _by_callers),
    Plot("click-latency", "Latency of a click by load", ("click_latency_by_load",), _latencies),
    Plot("overload", "Events recorded by events due", ("recorded_by_load",), _overload),
    Plot("stats-by-events", "Cost of a report by events", ("stats_by_events",), _by_events),
    Plot(
        "bytes-identified",
        "Database bytes an identified event",
        ("bytes_by_identified_events",),
        _stacked,
    ),
    Plot(
        "bytes-anonymous",
        "Database bytes an anonymous event",
        ("bytes_by_anonymous_events",),
        _stacked,
    ),
    Plot(
        "cost-by-events",
        "Cost of an event by events recorded",
        ("cost_by_identified_events", "cost_by_anonymous_events"),
        _costs,
    ),
)
