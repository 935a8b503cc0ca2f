"""The alert rules, deploy/alerts.yaml. That each one fires is tested in test_*_faults.py."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.monitor import RULES, Rule
from tests.deploy.promql import aggregated_labels, selectors
from tests.docs.test_links import anchors
from tests.docs.test_metrics_page import REGISTERED

ROOT = Path(__file__).parents[2]
RUNBOOKS = "docs/operations.md"
TARGET_LABELS = {"job", "instance"}
FAULTS = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*_faults.py"))

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


@each_rule
def test_a_rule_has_a_severity_a_summary_and_a_runbook(rule: Rule) -> None:
    """The runbook is a heading of the page of runbooks."""
    assert rule.labels.keys() == {"severity"}
    assert rule.labels["severity"] in {"critical", "warning"}
    assert rule.annotations.keys() == {"summary", "runbook"}
    page, _, anchor = rule.annotations["runbook"].partition("#")
    assert page == RUNBOOKS
    assert anchor in anchors(ROOT / page)


@each_rule
def test_a_rule_uses_metrics_and_labels_that_exist(rule: Rule) -> None:
    """Those of the processes, and `up`, which Prometheus adds."""
    for selector in selectors(rule.expression):
        labels = {**REGISTERED, "up": ""}[str(selector.name)]
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= {*labels.split(","), *TARGET_LABELS}


@each_rule
def test_a_summary_uses_labels_that_the_alert_has(rule: Rule) -> None:
    """What an aggregation drops would be an empty text."""
    first, *_ = selectors(rule.expression)
    has = {*REGISTERED.get(str(first.name), "").split(","), *TARGET_LABELS}
    kept = aggregated_labels(rule.expression)
    used = set(re.findall(r"\$labels\.(\w+)", rule.annotations["summary"]))
    assert used <= (has if kept is None else kept)


@each_rule
def test_a_fault_lets_the_rule_fire(rule: Rule) -> None:
    """A test provokes it with a real fault."""
    assert f'"{rule.name}"' in FAULTS


@pytest.mark.skipif(not shutil.which("promtool"), reason="comes with Prometheus")
def test_prometheus_accepts_the_rules() -> None:
    """Where its tool is installed; the parser of the other tests has the same grammar."""
    subprocess.run(["promtool", "check", "rules", ROOT / "deploy/alerts.yaml"], check=True)  # noqa: S607
