"""Evaluates the PromQL of alert rules against scraped metrics; refuses what it does not know.

The grammar is that of Prometheus (`promql_parser`). Known are instant selectors, numbers, `abs`,
`rate` and `increase` over a window, sums, comparisons and products. `rate` is not extrapolated to
the borders of the window, so that it differs in size from that of Prometheus, but not in sign.
"""

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import promql_parser as promql
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["History", "Labels", "Vector", "aggregated_labels", "evaluate", "selectors"]

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "*": operator.mul,
    "+": operator.add,
    "-": operator.sub,
}


@dataclass
class History:
    """Scrapes of several targets, as Prometheus stores them.

    Attributes:
        time: When the last scrape was made, in seconds.
    """

    time: float = 0.0
    _scrapes: list[tuple[float, dict[str, Vector]]] = field(default_factory=list)

    def add(self, time: float, texts: dict[tuple[str, str], str | None]) -> None:
        """Add a scrape.

        Args:
            time: When it was made.
            texts: What the targets returned, by job and instance; None for one that is down.
        """
        self.time = time
        found: defaultdict[str, Vector] = defaultdict(dict)
        for (job, instance), text in texts.items():
            target = {"job": job, "instance": instance}
            found["up"][frozenset(target.items())] = float(text is not None)
            for family in text_string_to_metric_families(text or ""):
                for sample in family.samples:
                    labels = frozenset({**sample.labels, **target}.items())
                    found[sample.name][labels] = sample.value
        self._scrapes.append((time, found))

    def latest(self, name: str) -> Vector:
        """Return the values of a metric in the last scrape."""
        return self._scrapes[-1][1].get(name, {})

    def within(self, name: str, seconds: float) -> dict[Labels, list[float]]:
        """Return the values of a metric in the last seconds, oldest first."""
        series: defaultdict[Labels, list[float]] = defaultdict(list)
        for time, samples in self._scrapes:
            if self.time - time <= seconds:
                for labels, value in samples.get(name, {}).items():
                    series[labels].append(value)
        return series


def evaluate(text: str, history: History) -> Vector:
    """Return the vector of an expression at the time of the last scrape.

    Raises NotImplementedError for what this module does not know.
    """
    result = _evaluated(promql.parse(text), history)
    if not isinstance(result, dict):
        raise NotImplementedError(text)
    return result


def selectors(text: str) -> list[promql.VectorSelector]:
    """Return the selectors of an expression. Raises ValueError if it is malformed."""
    found: list[promql.VectorSelector] = []

    def collect(node: Any) -> bool:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        return True

    promql.walk(promql.parse(text), pre_visit=collect)
    return found


def aggregated_labels(text: str) -> set[str] | None:
    """Return the labels that the aggregations of an expression keep; None without an aggregation."""
    kept: list[set[str]] = []

    def collect(node: Any) -> bool:
        if isinstance(node, promql.AggregateExpr):
            kept.append(set(node.modifier.labels) if node.modifier else set())
        return True

    promql.walk(promql.parse(text), pre_visit=collect)
    return set.intersection(*kept) if kept else None


def _evaluated(node: Any, history: History) -> Vector | float:
    match node:
        case promql.NumberLiteral():
            return float(node.val)
        case promql.ParenExpr():
            return _evaluated(node.expr, history)
        case promql.VectorSelector():
            return _selected(node, history.latest(_name(node)))
        case promql.Call():
            return _called(node, history)
        case promql.AggregateExpr():
            return _summed(node, history)
        case promql.BinaryExpr():
            return _combined(node, history)
    raise NotImplementedError(type(node).__name__)


def _name(node: promql.VectorSelector) -> str:
    if node.name is None or node.offset is not None or node.at is not None:
        raise NotImplementedError(node.prettify())
    return node.name


def _selected(node: promql.VectorSelector, series: dict[Labels, Any]) -> dict[Labels, Any]:
    matchers = node.matchers.matchers
    return {
        labels: value
        for labels, value in series.items()
        if all(_matches(matcher, dict(labels).get(matcher.name, "")) for matcher in matchers)
    }


def _matches(matcher: promql.Matcher, value: str) -> bool:
    match str(matcher.op):
        case "MatchOp.Equal":
            return value == matcher.value
        case "MatchOp.NotEqual":
            return value != matcher.value
        case "MatchOp.Re":
            return re.fullmatch(matcher.value, value) is not None
        case "MatchOp.NotRe":
            return re.fullmatch(matcher.value, value) is None
    raise NotImplementedError(str(matcher.op))


def _called(node: promql.Call, history: History) -> Vector:
    (argument,) = node.args
    match node.func.name, argument:
        case "abs", promql.VectorSelector():
            found = _selected(argument, history.latest(_name(argument)))
            return {labels: abs(value) for labels, value in found.items()}
        case ("rate" | "increase") as function, promql.MatrixSelector():
            selector, seconds = argument.vector_selector, argument.range.total_seconds()
            series = _selected(selector, history.within(_name(selector), seconds))
            divisor = seconds if function == "rate" else 1.0
            return {
                labels: _increase(values) / divisor
                for labels, values in series.items()
                if len(values) > 1
            }
    raise NotImplementedError(node.prettify())


def _increase(values: Sequence[float]) -> float:
    """Return by how much a counter has grown; a restart sets it to 0."""
    return sum(after - before if after >= before else after for before, after in pairwise(values))


def _summed(node: promql.AggregateExpr, history: History) -> Vector:
    by = node.modifier
    if str(node.op) != "sum" or by is None or str(by.type) != "AggModifierType.By":
        raise NotImplementedError(node.prettify())
    sums: defaultdict[Labels, float] = defaultdict(float)
    for labels, value in _vector(node.expr, history).items():
        sums[_only(labels, by.labels)] += value
    return dict(sums)


def _only(labels: Labels, names: Iterable[str]) -> Labels:
    wanted = set(names)
    return frozenset((name, value) for name, value in labels if name in wanted)


def _vector(node: Any, history: History) -> Vector:
    result = _evaluated(node, history)
    if not isinstance(result, dict):
        raise NotImplementedError(node.prettify())
    return result


def _combined(node: promql.BinaryExpr, history: History) -> Vector:
    """Return a comparison, which keeps the left values for which it is true, or a product or sum."""
    if node.modifier is not None:
        raise NotImplementedError(node.prettify())
    left, right, name = _evaluated(node.lhs, history), _evaluated(node.rhs, history), str(node.op)
    keys = left.keys() if isinstance(left, dict) else {}
    if isinstance(right, dict):
        keys = right.keys() & keys if isinstance(left, dict) else right.keys()
    pairs = {key: (_at(left, key), _at(right, key)) for key in keys}
    if name in _COMPARISONS and isinstance(left, dict):
        holds = _COMPARISONS[name]
        return {key: one for key, (one, other) in pairs.items() if holds(one, other)}
    if name in _ARITHMETIC:
        return {key: _ARITHMETIC[name](*pair) for key, pair in pairs.items()}
    raise NotImplementedError(node.prettify())


def _at(operand: Vector | float, key: Labels) -> float:
    return operand[key] if isinstance(operand, dict) else operand
