"""Draws the series of a soak, one small plot each, with the fitted lines."""

import math
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.soak.series import Recording, Series
from bench.soak.trend import Trend

__all__ = ["draw_recording"]

_COLUMNS = 4
_SIZE_INCHES = (3.4, 1.9)
_LINE, _FIT, _GROWING = "#0072b2", "#999999", "#d55e00"
_MINUTE = 60
_SMALL_TABLE_MIB = 0.1


def draw_recording(recording: Recording, file: Path) -> None:
    """Write the plot as SVG, without small tables; the titles of series that grow are red."""
    trends = recording.trends()
    shown = [series for series in recording.series.values() if _is_shown(series)]
    rows = math.ceil(len(shown) / _COLUMNS)
    canvas = Canvas(
        figsize=(_COLUMNS * _SIZE_INCHES[0], rows * _SIZE_INCHES[1]), layout="constrained"
    )
    places = list(canvas.subplots(rows, _COLUMNS, squeeze=False).flat)
    for series, axes in zip(shown, places, strict=False):
        _draw(axes, recording.times, series, trends.get(series.name))
    for axes in places[len(shown) :]:
        axes.set_axis_off()
    with mpl.rc_context({"svg.fonttype": "none"}):  # text instead of a path per glyph
        canvas.savefig(file, format="svg")


def _is_shown(series: Series) -> bool:
    return not series.name.startswith("table ") or max(series.values) >= _SMALL_TABLE_MIB


def _draw(axes: Axes, times: list[float], series: Series, trend: Trend | None) -> None:
    minutes = [time / _MINUTE for time in times]
    axes.plot(minutes, series.values, color=_LINE, linewidth=1)
    title = f"{series.name} ({series.unit})" if series.unit else series.name
    colour = "black"
    if trend is not None:
        title += f", {trend.growth_per_hour:+.1%}/h"
        colour = _GROWING if trend.is_growing else "black"
        middle = (times[0] + 2 * times[-1]) / 3  # of the part that is judged
        slope = trend.growth_per_hour * trend.mean / 3600
        ends = [times[0] + (times[-1] - times[0]) / 3, times[-1]]
        line = [trend.mean + slope * (end - middle) for end in ends]
        axes.plot([end / _MINUTE for end in ends], line, color=_FIT, linestyle="--", linewidth=1)
    axes.set_title(title, fontsize=7, loc="left", color=colour)
    axes.set_ylim(0, 1.1 * max(series.values) or 1)
    axes.tick_params(labelsize=6)
