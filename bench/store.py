"""The file with all results: what is measured anew replaces its own, the rest stays."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.circumstances import Circumstances
from bench.results import Curve, Figure, Result

__all__ = ["RESULTS", "Stored", "load", "save"]

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Stored:
    """All results by name, and under which circumstances each was taken."""

    figures: dict[str, Figure] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    taken: dict[str, Circumstances] = field(default_factory=dict)


def load(path: Path = RESULTS) -> Stored:
    """Read what was measured so far; nothing, where there is no file of this form."""
    found: Any = json.loads(path.read_text()) if path.exists() else None
    if not isinstance(found, dict):
        return Stored()
    figures, curves = (
        [dict(entry) for entry in found.get(key, ())] for key in ("figures", "curves")
    )
    taken = {entry["name"]: Circumstances(**entry.pop("taken")) for entry in [*figures, *curves]}
    return Stored(
        {entry["name"]: Figure(**entry) for entry in figures},
        {entry["name"]: Curve(**entry) for entry in curves},
        taken,
    )


def save(results: Sequence[Result], taken: Circumstances, path: Path = RESULTS) -> None:
    """Put results beside those of other measurements."""
    stored = load(path)
    for result in results:
        if isinstance(result, Figure):
            stored.figures[result.name] = result
        else:
            stored.curves[result.name] = result
        stored.taken[result.name] = taken
    content = {
        "figures": [_entry(figure, stored) for figure in stored.figures.values()],
        "curves": [_entry(curve, stored) for curve in stored.curves.values()],
    }
    # Whoever interrupts it finds the old file or the new one, never half of one.
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    new.replace(path)


def _entry(result: Result, stored: Stored) -> dict[str, Any]:
    return {**asdict(result), "taken": asdict(stored.taken[result.name])}
