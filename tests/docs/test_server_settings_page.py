"""The settings of PostgreSQL in docs/how-to are those that the authority checks."""

import re
from pathlib import Path

from hushpost_service.storage.server_settings import (
    _REQUIRED,
    _REQUIRED_IF_PARAMETERS_ARE_LOGGED,
    _REQUIRED_OF_WORKERS,
    SESSION_SETTINGS,
)

HOW_TO = Path(__file__).parents[2] / "docs/how-to"


def required() -> dict[str, str]:
    """Return the table of required settings."""
    text = (HOW_TO / "run-the-authority.md").read_text("utf-8")
    table = text.partition("| setting | required | otherwise |")[2].partition("\n\n")[0]
    return {
        name: value
        for names, value in re.findall(r"^\| (`[^|]+`) \| `([^`]+)` \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", names)
    }


def test_the_table_has_each_setting_that_is_checked() -> None:
    """Except those that sessions set for themselves."""
    checked = _REQUIRED | _REQUIRED_IF_PARAMETERS_ARE_LOGGED

    assert required() == {
        name: value for name, value in checked.items() if name not in SESSION_SETTINGS
    }


def test_the_page_about_clusters_has_what_workers_need_in_addition() -> None:
    """Their logs would contain values."""
    text = (HOW_TO / "scale-out.md").read_text("utf-8")
    extra = _REQUIRED_OF_WORKERS.keys() - _REQUIRED_IF_PARAMETERS_ARE_LOGGED.keys()

    assert extra
    assert all(f"`{name} = {_REQUIRED_OF_WORKERS[name]}`" in text for name in extra)
    assert "`citus.log_remote_commands`" in text
