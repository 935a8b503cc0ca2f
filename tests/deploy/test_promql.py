"""The evaluator of the alert rules' expressions."""

import pytest

from tests.deploy.promql import History, evaluate

FIRST = """
# TYPE calls_total counter
calls_total{code="OK"} 10
calls_total{code="LOST"} 5
"""
SECOND = """
# TYPE calls_total counter
calls_total{code="OK"} 40
calls_total{code="LOST"} 2
# TYPE size gauge
size -7
# TYPE size_max gauge
size_max 8
# TYPE unknown gauge
unknown NaN
"""


@pytest.fixture
def history() -> History:
    """Two scrapes of a target, and of one that is down."""
    history = History()
    for time, text in ((0.0, FIRST), (60.0, SECOND)):
        history.add(time, {("job", "up"): text, ("job", "down"): None})
    return history


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("up == 0", [0]),
        ("up", [0, 1]),
        ('increase(calls_total{code="OK"}[2m])', [30]),
        ('increase(calls_total{code=~"LO.*"}[2m])', [2]),  # the counter began anew
        ('increase(calls_total{code=~"LO"}[2m])', []),  # an expression matches whole labels
        ('increase(calls_total{code!="OK"}[2m])', [2]),
        ('increase(calls_total{code!~"LO.*"}[2m])', [30]),
        ('rate(calls_total{code!="OK"}[2m]) > 1', []),
        ("increase(calls_total[30s])", []),  # one value is not enough
        ("sum by (job) (increase(calls_total[2m]))", [32]),
        ("abs(size) > 5", [7]),
        ("size_max > 0.5 * size_max", [8]),
        ("size > size_max", []),
        ("size <= -7", [-7]),
        ("size >= -7", [-7]),
        ("size < -7", []),
        ("up != 0", [1]),
        ("size_max + 1", [9]),
        ("size_max - 1", [7]),
        ("size > absent_metric", []),
        ("unknown < 1", []),
        ("unknown >= 1", []),
        ("absent_metric == 0", []),
    ],
)
def test_an_expression_has_the_value_of_prometheus(
    history: History, expression: str, values: list[float]
) -> None:
    """Comparisons keep the series for which they are true."""
    assert sorted(evaluate(expression, history).values()) == values


@pytest.mark.parametrize(
    "expression",
    [
        "1",
        "max(up)",
        "max by (job) (up)",
        "up @ 5",
        "size > on (job) size_max",
        "up offset 5m",
        "up and size",
        "floor(size)",
        "sum without (job) (up)",
        "-size",
    ],
)
def test_what_is_unknown_is_refused(history: History, expression: str) -> None:
    """A rule that the tests cannot check fails them."""
    with pytest.raises(NotImplementedError):
        evaluate(expression, history)
