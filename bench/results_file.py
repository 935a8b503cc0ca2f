"""Reads and updates `bench/results.json`; a new result replaces the one of the same name."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.environment import Environment
from bench.results import Curve, Figure, Result

__all__ = ["RESULTS_FILE", "StoredResults", "load", "save"]

RESULTS_FILE = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class StoredResults:
    """All results by name; `environments` says where and when each was measured."""

    figures: dict[str, Figure] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)


def load(path: Path = RESULTS_FILE) -> StoredResults:
    """Read the file; return no results if it is missing or is not a JSON object."""
    content: Any = json.loads(path.read_text()) if path.exists() else None
    if not isinstance(content, dict):
        return StoredResults()
    figures, curves = (
        [dict(entry) for entry in content.get(key, ())] for key in ("figures", "curves")
    )
    environments = {
        entry["name"]: Environment(**entry.pop("taken")) for entry in [*figures, *curves]
    }
    return StoredResults(
        {entry["name"]: Figure(**entry) for entry in figures},
        {entry["name"]: Curve(**entry) for entry in curves},
        environments,
    )


def save(results: Sequence[Result], environment: Environment, path: Path = RESULTS_FILE) -> None:
    """Add results to the file, keeping the results of other measurements."""
    stored = load(path)
    for result in results:
        if isinstance(result, Figure):
            stored.figures[result.name] = result
        else:
            stored.curves[result.name] = result
        stored.environments[result.name] = environment
    content = {
        "figures": [_entry(figure, stored) for figure in stored.figures.values()],
        "curves": [_entry(curve, stored) for curve in stored.curves.values()],
    }
    # Written to the side and renamed, so that an interruption cannot truncate the file.
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    new.replace(path)


def _entry(result: Result, stored: StoredResults) -> dict[str, Any]:
    return {**asdict(result), "taken": asdict(stored.environments[result.name])}
