"""Draws curves as small SVG files that are identical for identical results."""

import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, NullLocator

from bench.results import Curve

__all__ = ["PLOTS", "Plot", "draw"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Distinguishable with colour blindness (Okabe and Ito)."""

_SIZE_INCHES = (7.2, 3.9)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "hushpost",  # otherwise element ids are random
    "svg.fonttype": "none",  # text instead of a path per glyph
    "font.sans-serif": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "xtick.bottom": False,
    "ytick.left": False,
    "legend.frameon": False,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of one curve.

    Attributes:
        name: File name without suffix.
        title: Shown above the plot and in the docs.
        curve: Name of the curve.
        has_log_x: Use a logarithmic x axis.
        has_log_y: Use a logarithmic y axis.
    """

    name: str
    title: str
    curve: str
    has_log_x: bool = False
    has_log_y: bool = False


PLOTS = (
    Plot("click-latency", "Latency of a click by load", "click_latency_by_load", has_log_y=True),
    Plot("overload", "Events recorded by events offered", "recorded_by_load"),
    Plot("stats-by-events", "Cost of statistics by events", "stats_by_events", has_log_x=True),
)


def draw(plot: Plot, curve: Curve, file: Path) -> None:
    """Write the plot as SVG."""
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=_SIZE_INCHES, layout="constrained")
        axes = canvas.subplots()
        for (line, values), colour in zip(curve.lines.items(), _COLOURS, strict=False):
            axes.plot(curve.x, values, "o-", color=colour, label=line, markersize=4)
        _scale(axes, plot)
        axes.set_title(plot.title, loc="left", fontweight="bold")
        axes.set_xlabel(curve.x_label)
        axes.set_ylabel(curve.y_label)
        axes.legend()
        svg = StringIO()
        # Without metadata, which contains the date.
        canvas.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    file.write_text(_compact(svg.getvalue()))


def _scale(axes: Axes, plot: Plot) -> None:
    if plot.has_log_x:
        axes.set_xscale("log")
    if plot.has_log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_short))
        axis.set_minor_locator(NullLocator())


def _short(value: float, _position: object = None) -> str:
    """Format a tick: 1500 as 1.5k."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def _compact(svg: str) -> str:
    """Drop groups, comments and line breaks, which make matplotlib's SVG three times as long."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"</?g\b[^>]*>", "", svg)
    svg = re.sub(r"\s*\n(?=[MLCz\"])", " ", svg)  # inside paths
    return re.sub(r"\n\s*", "\n", svg)
