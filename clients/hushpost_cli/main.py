"""The entry point of the console script; it must load without the extra `[cli]`."""

import sys
from collections.abc import Callable

__all__ = ["app"]

app: Callable[[], object]

try:
    from hushpost_cli._app import build
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] not in {"rich", "typer"}:
        raise

    def _explain() -> None:
        sys.exit("hushpost: the commands need an extra: pip install 'hushpost[cli]'")

    app = _explain
else:
    app = build()
