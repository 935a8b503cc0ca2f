"""The tables of metrics, docs/reference/metrics.md."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import hushpost_dashboard.app
import hushpost_edge.worker
import hushpost_service.app

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"
MODULES = (hushpost_dashboard.app, hushpost_edge.worker, hushpost_service.app)
"""Importing them registers the metrics of all processes."""

DOCUMENTED = dict(
    re.findall(r"^\| `(hushpost_\w+)(?:\{([\w,]+)\})?` \|", PAGE.read_text("utf-8"), re.MULTILINE)
)
"""The labels of each metric on the page, by name."""


def _registered() -> dict[str, str]:
    found = {}
    for collector in list(REGISTRY._collector_to_names):
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith("hushpost_"):
            total = "_total" if collector._type == "counter" else ""
            found[collector._name + total] = ",".join(collector._labelnames)
    return found


REGISTERED = _registered()


@pytest.mark.parametrize("name", sorted(REGISTERED.keys() | DOCUMENTED.keys()))
def test_the_page_has_every_metric_with_its_labels(name: str) -> None:
    """The page has the metrics that exist, and no others."""
    assert DOCUMENTED.get(name) == REGISTERED.get(name)


def test_the_page_has_the_metrics_of_all_processes() -> None:
    """The modules above register them."""
    assert len(MODULES) == 3
    assert len(REGISTERED) > 40
