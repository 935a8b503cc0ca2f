"""Finds the browser of the tests. As a program, prints its path; exit code 1 if there is none."""

import os
import shutil
import sys
from pathlib import Path

__all__ = ["find_chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
_UNPACKED = Path(sys.prefix) / "browser" / "run"
"""Where `make browser` unpacks one if none is installed."""


def find_chromium() -> str | None:
    """Return the path of an executable; None if there is none.

    `HUSHPOST_TEST_CHROMIUM` names it. With an empty value, an installed one is not used.
    """
    named = os.environ.get("HUSHPOST_TEST_CHROMIUM")
    if named:
        return shutil.which(named)
    installed = (shutil.which(name) for name in _NAMES) if named is None else ()
    unpacked = str(_UNPACKED) if _UNPACKED.exists() else None
    return next(filter(None, installed), unpacked)


if __name__ == "__main__":
    path = find_chromium()
    sys.exit(print(path) if path else 1)  # noqa: T201 - for the Makefile
