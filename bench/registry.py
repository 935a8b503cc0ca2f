"""Lists all measurements, and which figures each one yields."""

from dataclasses import dataclass

from bench.child_process import Measure
from bench.measurements import (
    click_latency,
    click_throughput,
    edge_throughput,
    end_to_end,
    event_throughput,
    insert_throughput,
    opt_out_latency,
    overload,
    rendering,
    stats_growth,
    storage_size,
    token_issuing,
    workers,
)

__all__ = ["MEASUREMENTS", "Measurement", "select"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A function that measures one or more figures against a fresh authority.

    Attributes:
        name: Selects the measurement on the command line; several may share one.
        measure: The function; it runs in a child process.
        figures: Names of the figures that it yields.
        timeout: Seconds after which it counts as hung.
        is_long: Takes many minutes, so it only runs when selected.
        is_pinned: Pins the authority to a CPU, so that it does not share one with the load.
        options: Options of the authority.
    """

    name: str
    measure: Measure
    figures: tuple[str, ...]
    timeout: float = 180
    is_long: bool = False
    is_pinned: bool = True
    options: tuple[str, ...] = ()


MEASUREMENTS = (
    Measurement("clicks", click_throughput.measure, ("record_click_vs_echo",), timeout=400),
    Measurement(
        "native-clicks",
        click_throughput.measure_native,
        ("record_click_native_vs_echo", "click_cpu_us_native"),
        timeout=400,
        options=("--transport", "native"),
    ),
    Measurement(
        "workers",
        workers.measure_gain,
        ("workers_gain", "workers_gain_one_campaign"),
        timeout=400,
        is_pinned=False,
        options=("--workers", "2"),
    ),
    Measurement(
        "hot-campaign",
        workers.measure_hot_campaign,
        ("hot_campaign_ratio",),
        timeout=400,
        is_pinned=False,
        options=("--workers", "4"),
    ),
    Measurement("latency", click_latency.measure, ("click_p99_ms_at_half_peak",)),
    Measurement("events", event_throughput.measure_mixed, ("record_events_vs_copy",)),
    Measurement(
        "anonymous", event_throughput.measure_anonymous, ("record_events_anonymous_per_second",)
    ),
    Measurement("inserting", insert_throughput.measure, ("insert_per_event_vs_ours",)),
    Measurement("opting-out", opt_out_latency.measure, ("opt_out_p99_ms",)),
    Measurement("issuing", token_issuing.measure, ("issue_vs_siv", "issue_tokens_per_second")),
    Measurement(
        "overload",
        overload.measure,
        ("overload_throughput_ratio", "overload_refusal_p99_ms"),
        timeout=480,
    ),
    Measurement("edge", edge_throughput.measure, ("edge_click_vs_bare",), is_pinned=False),
    Measurement(
        "end-to-end",
        end_to_end.measure,
        ("end_to_end_clicks_per_second",),
        timeout=400,
        is_pinned=False,
    ),
    Measurement("rendering", rendering.measure, ("render_messages_per_second",)),
    Measurement(
        "growth",
        storage_size.measure_identified,
        ("bytes_per_identified_event",),
        timeout=2400,
        is_long=True,
    ),
    Measurement(
        "growth",
        storage_size.measure_anonymous,
        ("bytes_per_anonymous_event",),
        timeout=2400,
        is_long=True,
    ),
    Measurement("growth", stats_growth.measure, ("stats_growth",), timeout=1200, is_long=True),
)


def select(name: str | None) -> list[Measurement]:
    """Return the measurements with this name or figure; without a name, all but the long ones."""
    if name is None:
        return [measurement for measurement in MEASUREMENTS if not measurement.is_long]
    return [
        measurement
        for measurement in MEASUREMENTS
        if name == measurement.name or name in measurement.figures
    ]
