"""The how-to page of Docker Compose, docs/how-to/docker-compose.md."""

import re
from pathlib import Path

import pytest

from tests.deploy.compose_file import services, variables
from tests.docs.test_cli_page import commands

PAGE = (Path(__file__).parents[2] / "docs/how-to/docker-compose.md").read_text("utf-8")
COMMANDS = dict(commands())
CLI = re.findall(r"^    docker compose run --rm cli (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("use", CLI)
def test_commands_of_the_operator_exist(use: str) -> None:
    """Each command of `cli` can be pasted: the command and its options exist."""
    words = use.split()
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert set(re.findall(r"--[\w-]+", use)) <= known


def test_the_page_has_commands() -> None:
    """The pattern above finds the commands."""
    assert len(CLI) >= 4


def test_the_table_lists_the_services() -> None:
    """The page explains each service of compose.yaml, and no other."""
    _, _, section = PAGE.partition("\n## What starts\n")
    first_cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", " ".join(first_cells))) == services().keys()


def test_services_and_variables_in_commands_exist() -> None:
    """The commands name services that exist, and the text names variables that can be set."""
    executed = re.findall(r"docker compose exec (?:-T )?(\S+)", PAGE)
    replaced = " ".join(re.findall(r"for service in (.+); do", PAGE)).split()
    assert {*executed, *replaced} <= services().keys()
    assert set(re.findall(r"`([A-Z]+_(?:HOST|IMAGE|PORT))`", PAGE)) <= variables().keys()
