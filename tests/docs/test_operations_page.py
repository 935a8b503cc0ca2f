"""The page of runbooks, docs/operations.md."""

import re
from pathlib import Path

import pytest

from hushpost_runtime.findings import Runbook
from tests.docs.test_cli_page import commands
from tests.docs.test_links import anchors

PAGE = Path(__file__).parents[2] / "docs/operations.md"
COMMANDS = dict(commands())
USES = sorted(
    # In code only: the text around it uses the name of the product, too.
    set(re.findall(r"(?:`|^ {4})(hushpost [^`\n]+)", PAGE.read_text("utf-8"), re.MULTILINE))
)


@pytest.mark.parametrize("use", USES)
def test_the_page_uses_commands_and_options_that_exist(use: str) -> None:
    """Each command in a runbook can be pasted: the command and its options exist."""
    _, *words = use.split()
    name = max(
        (" ".join(words[:n]) for n in (1, 2) if " ".join(words[:n]) in COMMANDS),
        key=len,
        default="",
    )
    assert name
    known = {option for parameter in COMMANDS[name].params for option in parameter.opts}

    assert set(re.findall(r"--[\w-]+", use)) <= known


def test_the_page_has_commands() -> None:
    """The pattern above finds the commands."""
    assert len(USES) > 15


def test_every_runbook_that_doctor_names_exists() -> None:
    """Each anchor that findings name is a heading of the page."""
    assert {str(runbook) for runbook in Runbook} <= anchors(PAGE)
