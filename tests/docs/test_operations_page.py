"""The page of runbooks, docs/operations.md."""

import re
import shlex
from pathlib import Path

import pytest

from hushpost_runtime.findings import Runbook
from tests.docs.test_cli_page import commands
from tests.docs.test_links import anchors

PAGE = Path(__file__).parents[2] / "docs/operations.md"
TEXT = PAGE.read_text("utf-8")
COMMANDS = dict(commands())
OPTIONS = {
    option
    for command in COMMANDS.values()
    for parameter in command.params
    for option in (*parameter.opts, *parameter.secondary_opts)
}
USES = sorted(
    # In code only: the text around it uses the name of the product, too.
    set(re.findall(r"(?:`|^ {4})(hushpost [^`\n]+)", TEXT, re.MULTILINE))
)


@pytest.mark.parametrize("use", USES)
def test_every_command_can_be_pasted(use: str) -> None:
    """Each command exists and accepts its arguments, and none that it requires is missing."""
    _, *words = shlex.split(use)
    name = max(
        (" ".join(words[:n]) for n in (1, 2) if " ".join(words[:n]) in COMMANDS),
        key=len,
        default="",
    )
    assert name

    arguments = words[len(name.split()) :]
    COMMANDS[name].make_context(name, arguments)


def test_every_option_exists() -> None:
    """Each option in code, also outside of a whole command, is one of some command."""
    code = re.findall(r"`([^`\n]+)`", TEXT)
    named = {option for each in code for option in re.findall(r"(?<!\S)--[a-z][\w-]*", each)}

    assert named - OPTIONS == set()
    assert len(named) > 5


def test_the_page_has_commands() -> None:
    """The pattern above finds the commands."""
    assert len(USES) > 15


def test_every_runbook_that_doctor_names_exists() -> None:
    """Each anchor that findings name is a heading of the page."""
    assert {str(runbook) for runbook in Runbook} <= anchors(PAGE)
