"""The code on docs/how-to/node-client.md: it is in the example, which other tests run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/node-client.md").read_text("utf-8")
EXAMPLE = (ROOT / "clients/node/examples/sender.ts").read_text("utf-8")
BLOCKS = re.findall(r"^```ts\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_has_code() -> None:
    """The page quotes the example."""
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("block", BLOCKS)
def test_code_is_quoted_from_the_example(block: str) -> None:
    """Each block is in the example, line for line."""
    assert block in EXAMPLE
