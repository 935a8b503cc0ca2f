"""Runs commands on a distributed database."""

import os
import subprocess

from tests.authority import HUSHPOST

__all__ = ["distribute"]


def distribute(address: str) -> "subprocess.CompletedProcess[str]":
    """Run `hushpost distribute`."""
    return subprocess.run(
        [HUSHPOST, "distribute", "--shards", "4"],
        env={**os.environ, "HUSHPOST_DATABASE_URL": address},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
