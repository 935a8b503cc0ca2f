"""Scrapes real processes and evaluates the alert rules, as Prometheus would."""

import asyncio
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.deploy.promql import History, evaluate
from tests.waiting import eventually

__all__ = ["AUTHORITY", "EDGE", "RULES", "Monitor", "Rule"]

AUTHORITY, EDGE = "hushpost-authority", "hushpost-edge"
"""The jobs that the rules expect."""

_FILE = Path(__file__).parents[2] / "deploy/alerts.yaml"
_INTERVAL_SECONDS = 60.0
_LIMIT_SECONDS = 60.0
"""Generous: a busy machine starts and ships slowly."""


class Rule(NamedTuple):
    """An alert rule."""

    name: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def _rules() -> list[Rule]:
    groups: list[Any] = yaml.safe_load(_FILE.read_text("utf-8"))["groups"]
    return [
        Rule(rule["alert"], rule["expr"], rule["labels"], rule["annotations"])
        for group in groups
        for rule in group["rules"]
    ]


RULES = _rules()


class Monitor:
    """Scrapes targets and evaluates the rules. Between two scrapes a minute seems to pass.

    How long a condition has to last (`for`) is ignored.

    Args:
        targets: The address of each target by its job.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets
        self._history = History()

    async def is_silent(self) -> None:
        """Check that no alert fires; scrapes twice, so that rates have a value."""
        for _ in range(2):
            assert await self._firing() == set()

    async def fires(self, *alerts: str) -> None:
        """Wait until the alerts fire, all at the same time."""

        async def silent() -> set[str]:
            return set(alerts) - await self._firing()

        none: set[str] = set()
        await eventually(silent, none, _LIMIT_SECONDS)

    async def texts(self) -> dict[tuple[str, str], str | None]:
        """Return the metrics of the targets, by job and address; None for one that is down."""
        return {
            (job, address): await asyncio.to_thread(_text, address)
            for job, address in self._targets.items()
        }

    async def _firing(self) -> set[str]:
        """Scrape, and return the names of the alerts whose condition is true."""
        self._history.add(self._history.time + _INTERVAL_SECONDS, await self.texts())
        return {rule.name for rule in RULES if evaluate(rule.expression, self._history)}


def _text(address: str) -> str | None:
    """Return the metrics of a target; None if it is down."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
            return text
    except OSError:
        return None
