"""The entry point of the console script; loads without the extra `[cli]`."""

import os
import sys
from collections.abc import Callable

__all__ = ["app"]

# gRPC's core would write plain lines into logs that are JSON, some for any malformed call
# without a key. It reads this variable at import. Child processes inherit it.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

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
