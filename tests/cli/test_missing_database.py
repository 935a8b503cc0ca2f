"""Commands for a database that is in use do not create an empty one."""

from pathlib import Path

import pytest

from .conftest import Command

COMMANDS = {
    "keyring activate": ("keyring", "activate", "--keyring", "keyring.json"),
    "scrub": ("scrub",),
    "after-restore": ("after-restore",),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
async def test_a_command_without_a_database_fails(
    hushpost: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """It names the setting that is missing, and changes neither the keyring nor the folder."""
    for step in ("create", "add"):
        assert (await hushpost("keyring", step, "--keyring", "keyring.json")).code == 0
    keyring = (tmp_path / "keyring.json").read_bytes()

    done = await hushpost(*words, environment={"HUSHPOST_DATA_DIR": "data"})

    assert done.code == 1
    assert "there is no database in data: set HUSHPOST_DATABASE_URL" in done.err
    assert not (tmp_path / "data").exists()
    assert (tmp_path / "keyring.json").read_bytes() == keyring
