"""The files that .dockerignore lets through to the builder of the image, and those that it needs."""

import re
import subprocess
import tomllib
from collections.abc import Iterable
from functools import cache

from tests.deploy.dockerfile import ROOT

__all__ = ["is_sent", "packed_files", "sent_files", "tracked_files"]


def sent_files() -> list[str]:
    """Return the tracked files that the builder gets."""
    return [path for path in tracked_files() if is_sent(path)]


@cache
def tracked_files() -> tuple[str, ...]:
    """Return the files of the repository, also those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(path for path in done.stdout.splitlines() if (ROOT / path).exists())


def packed_files() -> list[str]:
    """Return the tracked files that are packed into the wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    roots = tuple(f"{root}/" for root in wheel["only-include"])
    excluded = {path.removeprefix("/") for path in wheel["exclude"]}
    return [
        path
        for path in tracked_files()
        if path.startswith(roots) and excluded.isdisjoint(_with_folders(path))
    ]


def is_sent(path: str) -> bool:
    """Whether the builder gets a file: the last pattern that matches it, or a folder of it, decides."""
    sent = True
    for is_exception, pattern in _patterns():
        if any(pattern.fullmatch(each) for each in _with_folders(path)):
            sent = is_exception
    return sent


def _with_folders(path: str) -> Iterable[str]:
    """Return the folders that contain a file, and the file."""
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


@cache
def _patterns() -> list[tuple[bool, re.Pattern[str]]]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [(line.startswith("!"), _compiled(line.lstrip("!"))) for line in patterns]


def _compiled(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern)
    escaped = escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.compile(escaped)
