"""Writes the results as JSON, and as a page of the documentation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.scale.comparison import MAX_RATIO, PHASES, Comparison
from tests.scale.shape import Size

__all__ = ["Result", "as_json", "as_page", "write"]

_PAGE = Path(__file__).parents[2] / "docs" / "performance" / "scale.md"
_JSON = Path(__file__).parents[1] / "scale.json"

_INTRODUCTION = """\
# SQL at size

Written by `make scale EVENTS={large.events}`, which fills two databases, with {large.events:,} and with
{small.events:,} identified events, of {large.tenants:,} tenants and {large.campaigns:,} campaigns in six months. It runs
operations of the service on both, on tenants and contacts that are the same in both. It fails if one of them
touches more than {ratio} times as many buffers (pages of 8 KB) in the larger database, unless the table says
why, or up to how many its result explains. Times depend on the machine and its other load ({machine}, {busy:.0%} busy before); buffers do not.
[Decision 24](../decisions/0024-indexes-at-size.md) says what follows.

Each operation runs on a connection whose statements were planned before the database had statistics, and
on one that was opened after `analyze`. The figures are those after it; `before` is the number of buffers before.

| operation | buffers, {small.events:,} events | buffers, {large.events:,} events | before | ms | grows |
| --- | ---: | ---: | ---: | ---: | --- |
"""

_PLANS = """\

## Plans

| operation | nodes | indexes |
| --- | --- | --- |
"""

_RATES = """\

## What waits for others

Calls of `ExtendCampaign` a second, each caller with a campaign of its own. Calls that add links wait for each other,
over all tenants:

| callers | with a link | with a group |
| --- | ---: | ---: |
"""

_SCRUB = """\

`hushpost scrub` rewrote a month of {rows:,} events in {seconds:.1f} s, for which the month was locked: {rate:.1f} s per
million events.

Filling took {fill:.0f} s, the operations {operations:.0f} s.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a run measured.

    Attributes:
        small: The size of the smaller database.
        large: That of the larger one.
        comparisons: The operations.
        rates: Calls a second, by name.
        scrubbed: Events of a rewritten month, and the seconds that took.
        fill_seconds: How long filling both databases took.
        operation_seconds: How long the operations took.
        machine: The machine.
        busy_before: Share of its CPUs that were in use before.
    """

    small: Size
    large: Size
    comparisons: Sequence[Comparison]
    rates: dict[str, float]
    scrubbed: tuple[int, float]
    fill_seconds: float
    operation_seconds: float
    machine: str
    busy_before: float


def write(result: Result) -> None:
    """Write both files."""
    _JSON.write_text(json.dumps(as_json(result), indent=2) + "\n")
    _PAGE.write_text(as_page(result))


def as_json(result: Result) -> dict[str, Any]:
    """Return all results as JSON values."""
    content = {
        name: getattr(result, name)
        for name in (
            "rates",
            "scrubbed",
            "fill_seconds",
            "operation_seconds",
            "machine",
            "busy_before",
        )
    }
    return {
        "small": asdict(result.small),
        "large": asdict(result.large),
        **content,
        "operations": [
            {
                "name": each.operation.name,
                "phase": each.phase,
                "may_grow": each.operation.growth,
                "ratio": round(each.ratio, 3),
                "small": asdict(each.small),
                "large": asdict(each.large),
            }
            for each in result.comparisons
        ],
    }


def as_page(result: Result) -> str:
    """Return the page in Markdown."""
    return "".join(_parts(result))


def _parts(result: Result) -> Iterator[str]:
    yield _INTRODUCTION.format(
        small=result.small,
        large=result.large,
        ratio=MAX_RATIO,
        machine=result.machine,
        busy=result.busy_before,
    )
    before = {
        each.operation.name: each.large.buffers
        for each in result.comparisons
        if each.phase == PHASES[0]
    }
    after = [each for each in result.comparisons if each.phase != PHASES[0]]
    for each in after:
        limit = f"up to {each.operation.buffers:,}" if each.operation.buffers else "no"
        growth = each.operation.growth or ("**yes**" if each.is_too_large else limit)
        yield (
            f"| {each.operation.name} | {each.small.buffers:,} | {each.large.buffers:,} |"
            f" {before[each.operation.name]:,} | {each.large.seconds * 1000:.1f} | {growth} |\n"
        )
    yield _PLANS
    for each in after:
        nodes = ", ".join(each.large.nodes)
        indexes = ", ".join(f"`{index}`" for index in each.large.indexes)
        yield f"| {each.operation.name} | {nodes} | {indexes} |\n"
    yield _RATES
    for callers in (1, 8):
        links, groups = (result.rates[f"{name}, {callers} callers"] for name in ("links", "groups"))
        yield f"| {callers} | {links:,.0f} | {groups:,.0f} |\n"
    rows, seconds = result.scrubbed
    yield _SCRUB.format(
        rows=rows,
        seconds=seconds,
        rate=seconds / rows * 1e6,
        fill=result.fill_seconds,
        operations=result.operation_seconds,
    )
