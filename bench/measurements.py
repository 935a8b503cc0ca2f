"""What measures which figures, and how long it may take."""

from dataclasses import dataclass

from bench import (
    click_latency,
    clicks,
    counting,
    edge,
    end_to_end,
    events,
    growth,
    inserting,
    issuing,
    opting_out,
    overload,
    quorum,
    rendering,
)
from bench.child import Work

__all__ = ["MEASUREMENTS", "Measurement", "chosen"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A function that measures some figures on a site of its own.

    After `seconds` it hangs. A long one runs only when it is asked for, by
    `name` or by one of its figures. Where an edge is at work on the same machine,
    the authority has no processor of its own.
    """

    name: str
    work: Work
    figures: tuple[str, ...]
    seconds: float = 180
    is_long: bool = False
    has_edge: bool = False


MEASUREMENTS = (
    Measurement("clicks", clicks.measure, ("record_click_vs_echo",)),
    Measurement(
        "latency", click_latency.measure, ("click_p99_ms_at_half_peak", "overload_clicks_dropped")
    ),
    Measurement(
        "events",
        events.measure_mixed,
        (
            "record_events_per_second",
            "record_events_vs_copy",
            "record_events_vs_concurrent_copy",
        ),
    ),
    Measurement("identified", events.measure_identified, ("record_events_identified_per_second",)),
    Measurement("anonymous", events.measure_anonymous, ("record_events_anonymous_per_second",)),
    Measurement("inserting", inserting.measure, ("insert_per_event_vs_ours",)),
    Measurement("opting-out", opting_out.measure, ("opt_out_p99_ms",)),
    Measurement(
        "issuing",
        issuing.measure,
        ("issue_vs_siv", "issue_known_vs_siv", "issue_tokens_per_second"),
    ),
    Measurement("quorum", quorum.measure, ("stats_quorum_vs_plain", "stats_quorum_vs_plain_live")),
    Measurement(
        "overload",
        overload.measure,
        (
            "overload_throughput_ratio",
            "overload_refusal_p99_ms",
            "overload_recovery_seconds",
            "overload_memory_mib",
        ),
        seconds=480,
    ),
    Measurement(
        "edge", edge.measure, ("edge_click_vs_bare", "edge_p99_over_median"), has_edge=True
    ),
    Measurement("end-to-end", end_to_end.measure, ("end_to_end_clicks_per_second",), has_edge=True),
    Measurement(
        "rendering", rendering.measure, ("render_messages_per_second", "render_vs_pytracking")
    ),
    Measurement(
        "growth",
        growth.measure_identified,
        ("growth_cost_ratio", "growth_stats_ratio", "bytes_per_identified_event"),
        seconds=2400,
        is_long=True,
    ),
    Measurement(
        "growth",
        growth.measure_anonymous,
        ("growth_anonymous_cost_ratio", "bytes_per_anonymous_event"),
        seconds=2400,
        is_long=True,
    ),
    Measurement("growth", counting.measure, ("stats_growth",), seconds=1200, is_long=True),
)


def chosen(only: str | None) -> list[Measurement]:
    """Return all that are not long, or those of one name; none where there is no such name."""
    if only is None:
        return [each for each in MEASUREMENTS if not each.is_long]
    return [each for each in MEASUREMENTS if only == each.name or only in each.figures]
