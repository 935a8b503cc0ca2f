"""Finds the previous version of the source tree in the history, and unpacks it.

The previous version is, in this order:

1. the commit or tag in the environment variable `HUSHPOST_TEST_PREVIOUS`,
2. the newest release (tag `v1.2.3`) before the present commit,
3. the last commit with other protos or another service than the working tree has.
"""

import io
import os
import subprocess
import tarfile
from pathlib import Path

__all__ = ["HistoryError", "file_names", "newest_release", "previous_version", "unpack"]

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ("protos", "service", "clients")
WATCHED = ("protos", "service")


class HistoryError(Exception):
    """The tests do not run in a clone, or its history is too short."""


def previous_version() -> str:
    """Return the commit or tag of the previous version. Raises HistoryError."""
    if named := os.environ.get("HUSHPOST_TEST_PREVIOUS"):
        return named
    return newest_release() or _before_the_last_change()


def newest_release() -> str | None:
    """Return the tag of the newest release before the present commit; None before the first.

    Raises:
        HistoryError: The history is too short to say.
    """
    if _git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise HistoryError("the clone is shallow")
    tags = _git("tag", "--list", "v[0-9]*", "--merged=HEAD^", "--sort=-creatordate").split()
    return tags[0] if tags else None


def file_names(commit: str, folder: str) -> set[str]:
    """Return the names of the files that a folder had in a commit. Raises HistoryError."""
    return set(_git("ls-tree", "--name-only", f"{commit}:{folder}").split())


def unpack(commit: str, folder: Path) -> list[Path]:
    """Write the source roots of a commit into a folder, and return them. Raises HistoryError."""
    archive = _run("archive", "--format=tar", commit, *SOURCE_ROOTS)
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        content.extractall(folder, filter="data")
    return [folder / name for name in SOURCE_ROOTS]


def _before_the_last_change() -> str:
    if _git("status", "--porcelain", "--", *WATCHED):
        return "HEAD"
    changed = _git("log", "-1", "--format=%H", "--", *WATCHED).strip()
    return _git("rev-parse", "--verify", f"{changed}^").strip()


def _git(*arguments: str) -> str:
    return _run(*arguments).decode()


def _run(*arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", ROOT, *arguments],  # noqa: S607
            capture_output=True,
            check=True,
        )
    except FileNotFoundError:
        raise HistoryError("git is not installed") from None
    except subprocess.CalledProcessError as error:
        raise HistoryError(error.stderr.decode().strip()) from None
    return done.stdout
