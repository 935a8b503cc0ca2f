"""Errors when the authority starts."""

import asyncio
from pathlib import Path

import pytest

from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import database_uri


async def test_an_address_in_use_is_reported_in_one_line(
    authority: RunningAuthority, tmp_path: Path
) -> None:
    """Starting on an address in use exits with status 1 and a one-line reason, no traceback."""
    data_dir = authority.process.data_dir
    process = AuthorityProcess(
        tmp_path,
        "--keyring",
        str(data_dir / "keyring.json"),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    )
    process.target = authority.target
    with pytest.raises(AssertionError, match="did not start"):
        await asyncio.to_thread(process.start)
    assert process.process.returncode == 1
    last = process.log_file.read_text().splitlines()[-1]
    assert last.startswith(f"hushpost: cannot listen on {authority.target}")
    assert "Traceback" not in process.log_file.read_text()
