"""The table of settings, docs/reference/settings.md."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

import hushpost_dashboard.settings
import hushpost_edge.settings
import hushpost_service.settings
from hushpost_runtime.environment import VARIABLES
from hushpost_runtime.settings import environment_variable

PAGE = Path(__file__).parents[2] / "docs/reference/settings.md"

SETTINGS: dict[str, type[BaseSettings]] = {
    "hushpost serve": hushpost_service.settings.Settings,
    "hushpost edge": hushpost_edge.settings.Settings,
    "hushpost dashboard": hushpost_dashboard.settings.Settings,
}
WITHOUT_OPTION = {"HUSHPOST_DATABASE_URL", "HUSHPOST_EDGE_API_KEY"}
"""Secrets, which are read from the environment only."""

OF_OTHER_COMMANDS = {"HUSHPOST_API_KEY"}


def rows(command: str) -> dict[str, list[str]]:
    """Return the cells of a command's table by environment variable."""
    _, _, section = PAGE.read_text("utf-8").partition(f"## `{command}`\n")
    section, _, _ = section.partition("\n## ")
    cells = [line.strip("|").split(" | ") for line in section.splitlines() if "HUSHPOST_" in line]
    return {row[1].strip(" `"): row for row in cells if len(row) > 1}


@pytest.mark.parametrize("command", SETTINGS)
def test_every_setting_is_in_the_table(command: str) -> None:
    """The tables have exactly the settings that the commands read."""
    settings = SETTINGS[command]
    names = {environment_variable(settings, name) for name in settings.model_fields}
    assert rows(command).keys() == names


@pytest.mark.parametrize("command", SETTINGS)
def test_options_and_defaults_are_correct(command: str) -> None:
    """Each row has the option of the setting and its default."""
    settings = SETTINGS[command]
    for name, field in settings.model_fields.items():
        variable = environment_variable(settings, name)
        option, _, default, meaning = rows(command)[variable]
        if variable not in WITHOUT_OPTION:
            assert f"`--{name.replace('_', '-')}`" in option
        if field.default not in {None, ""}:
            assert f"`{field.default}`" in default
        assert re.search(r"\w", meaning)


def test_the_variables_of_all_settings_are_known() -> None:
    """The commands reject all other variables as misspelt."""
    names = {
        environment_variable(settings, name)
        for settings in SETTINGS.values()
        for name in settings.model_fields
    }
    assert names | OF_OTHER_COMMANDS == VARIABLES
