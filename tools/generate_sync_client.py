"""Generates the synchronous client (`hushpost_client._sync`) from the asynchronous one.

The two differ only in `async`, `await` and the words in `REPLACEMENTS`. Run
`make sync-client` after a change in `hushpost_client._async`; `make sync-client-check`
and a test fail if the generated files are stale.
"""

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "clients" / "hushpost_client"
SOURCE, TARGET = CLIENT / "_async", CLIENT / "_sync"
SORT_IMPORTS = [
    "--select=I,F401",
    "--fix",
    "--quiet",
    # Ruff would look for the modules, which do not exist yet.
    '--config=lint.isort.known-first-party=["hushpost", "hushpost_client"]',
]
HEADER = "# Generated from _async/{} by `make sync-client`; do not edit.\n"

REPLACEMENTS = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAwaitable, ", ""),  # in an import
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r"\bAsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
    (r"\bAsyncGenerator\b", "Generator"),
    (r"\baclosing\b", "closing"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\bimport asyncio\n", ""),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bgrpc\.aio\b", "grpc"),
    (r"\bhushpost_client\._async\b", "hushpost_client._sync"),
    # Docstrings
    (
        r"The asynchronous client, from which the synchronous one in `_sync` is generated",
        "The synchronous client, generated from the asynchronous one in `_async`",
    ),
    (r"\bAn async context manager\b", "A context manager"),
    (
        r"Call this inside the running event loop\.",
        "Threads may share a client. Processes may not: connect after a fork.",
    ),
)


def synchronous(source: Path) -> str:
    """Return the synchronous version of a module."""
    text = HEADER.format(source.name) + source.read_text("utf-8")
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement, text)
    target = str(TARGET / source.name)
    for command in (["check", *SORT_IMPORTS], ["format"]):
        text = _ruff([*command, f"--stdin-filename={target}", "-"], text)
    return text


def _ruff(arguments: list[str], text: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    result = subprocess.run(
        [ruff, *arguments], input=text, capture_output=True, text=True, check=True
    )
    return result.stdout


def main() -> None:
    """Write the generated modules; with `--check`, fail if they would change."""
    modules = {TARGET / source.name: synchronous(source) for source in SOURCE.glob("*.py")}
    if "--check" in sys.argv[1:]:
        current = {path: path.read_text("utf-8") for path in TARGET.glob("*.py")}
        if current != modules:
            sys.exit("hushpost_client/_sync is stale: run 'make sync-client'")
        return
    TARGET.mkdir(exist_ok=True)
    for path in TARGET.glob("*.py"):
        path.unlink()
    for path, text in modules.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
