"""Reads the logs of the authority and the edge, of which each line is a JSON object."""

import json
from pathlib import Path
from typing import Any

__all__ = ["log_lines"]


def log_lines(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; fail with a line that is not a JSON object."""
    return [_parsed(line) for line in file.read_text().splitlines()]


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        raise AssertionError(f"a line of the log is not JSON: {line}") from None
    assert isinstance(parsed, dict), f"a line of the log is not an object: {line}"
    return parsed
