"""The dashboard for Grafana, deploy/grafana/hushpost.json."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.deploy.conftest import Installation
from tests.deploy.promql import aggregated_labels, selectors
from tests.docs.test_metrics_page import REGISTERED
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import get

DASHBOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "deploy/grafana/hushpost.json").read_text("utf-8")
)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
VARIABLES = {"datasource", "authority", "edge"}
ROWS = ["Authority", "Edge", "Privacy and release"]

OF_EVERY_PROCESS = {
    "process_cpu_seconds_total": "",
    "process_resident_memory_bytes": "",
}
OF_EVERY_SAMPLE = {"job", "instance", "le"}

AFTER_CHANCE_OR_FAULTS = {
    # Sampled: a series appears with the first sample.
    "hushpost_edge_events_total",
    "hushpost_edge_refused_events_total",
    # `test_edge_faults.py` and tests/edge provoke these.
    "hushpost_edge_ship_failures_total",
    "hushpost_edge_quarantine_events",
    "hushpost_edge_quarantine_dropped_events_total",
    "hushpost_edge_rejected_events_total",
}
"""Metrics that an edge does not have from the start."""

_TYPE = re.compile(r"^# TYPE (\S+)", re.MULTILINE)


class Query(NamedTuple):
    """An expression of a panel."""

    panel: str
    expression: str
    legend: str


def _queries() -> Iterator[Query]:
    for panel in PANELS:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "5m")
            yield Query(panel["title"], expression, target["legendFormat"])


QUERIES = list(_queries())
each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.panel)


def _family(name: str) -> str:
    """Return the metric that a series of a histogram belongs to."""
    return name if name in REGISTERED else re.sub("_(bucket|sum|count)$", "", name)


def _labels(name: str) -> set[str]:
    known = {**REGISTERED, **OF_EVERY_PROCESS}
    return {*known[_family(name)].split(","), *OF_EVERY_SAMPLE}


@each_query
def test_a_query_uses_metrics_and_labels_that_exist(query: Query) -> None:
    """In selectors, in aggregations and in the legend."""
    names = [str(selector.name) for selector in selectors(query.expression)]
    assert names
    for selector in selectors(query.expression):
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= _labels(str(selector.name))
    has = set.intersection(*map(_labels, names))
    kept = aggregated_labels(query.expression)
    assert (kept or set()) <= has
    in_legend = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
    assert in_legend <= (has if kept is None else kept)


def test_every_query_uses_the_data_source_and_the_selected_processes() -> None:
    """A dashboard for one authority shows nothing of another."""
    for panel in PANELS:
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == DATASOURCE
        assert all(target["datasource"] == DATASOURCE for target in panel["targets"])
    for query in QUERIES:
        for selector in selectors(query.expression):
            matchers = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            assert (matchers["job"], matchers["instance"]) in {
                ("hushpost-authority", "$authority"),
                ("hushpost-edge", "$edge"),
            }
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == VARIABLES


def test_panels_have_their_own_ids_and_places() -> None:
    """No panel covers another one, and each is inside of the grid's 24 columns."""
    assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == ROWS
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = any(
            first[at] + first[size] <= second[at]
            for at, size in (("x", "w"), ("y", "h"))
            for first, second in ((one, other), (other, one))
        )
        assert apart


async def test_real_processes_have_the_metrics(installation: Installation, tmp_path: Path) -> None:
    """Those of the queries, except what an edge has only after a fault or by chance."""
    target, key = installation.authority.target, installation.keys.edge_key
    token = installation.mailing.tokens["reader-0"]
    await installation.mailing.open("reader-1")
    with EdgeProcess(tmp_path, target, key) as edge:
        await get(edge.port, f"/c/{token}/1")
        await get(edge.port, "/c/nonsense/1")
        texts = await installation.monitor(edge).texts()
    found = {name for text in texts.values() for name in _TYPE.findall(text or "")}
    names = {_family(str(each.name)) for query in QUERIES for each in selectors(query.expression)}
    assert names - found - AFTER_CHANCE_OR_FAULTS == set()
