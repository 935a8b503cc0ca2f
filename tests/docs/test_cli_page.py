"""The page of commands, docs/reference/cli.md."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hushpost_cli._app import build

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"
ON_SETTINGS_PAGE = {"dashboard", "edge", "serve"}
"""Commands whose options are settings, which settings.md lists."""


def commands() -> Iterator[tuple[str, Any]]:
    """Return all commands by name, including those of groups."""
    return _commands_of(get_command(build()), "")


def _commands_of(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield prefix + name, command
        if hasattr(command, "list_commands"):
            yield from _commands_of(command, f"{prefix}{name} ")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=str)
def test_every_command_has_a_section(name: str, command: Any) -> None:
    """Each command has a section with a table of exactly its options."""
    _, found, section = PAGE.read_text("utf-8").partition(f"\n## `hushpost {name}`\n")
    assert found
    section, _, _ = section.partition("\n## ")
    if name in ON_SETTINGS_PAGE:
        assert "(settings.md#" in section
        return
    options = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option != "--help"
    }
    first_cells = re.findall(r"^\| (`--[^|]*) \|", section, re.MULTILINE)
    documented = set(re.findall(r"--[\w-]+", " ".join(first_cells)))
    if "(#connection-options)" in section:
        documented |= _connection_options()
    assert documented == options


def _connection_options() -> set[str]:
    """Return the options that the page describes once for all commands."""
    _, _, section = PAGE.read_text("utf-8").partition("\n## Connection options\n")
    section, _, _ = section.partition("\n## ")
    return set(
        re.findall(r"--[\w-]+", " ".join(re.findall(r"^\| (`--[^|]*) \|", section, re.MULTILINE)))
    )
