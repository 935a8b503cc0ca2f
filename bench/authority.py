"""Starts the authority under test, on its own empty embedded PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from hushpost_service.cpu_affinity import usable_cpus
from tests.authority import AuthorityProcess

__all__ = ["Authority", "check_durability", "read_postmaster_file", "running_authority"]

_DURABLE_SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True)
class Authority:
    """A running authority.

    Attributes:
        pid: Its process.
        target: Its gRPC address.
        data_dir: Its folder, which has the database.
        admin_key: API key of the installation's administrator.
        dsn: Address of its PostgreSQL.
        postgres_bin: Directory of that PostgreSQL's programs.
    """

    pid: int
    target: str
    data_dir: Path
    admin_key: str
    dsn: str
    postgres_bin: Path


@contextmanager
def running_authority(*options: str, pin_to_cpu: bool) -> Iterator[Authority]:
    """Run `hushpost serve` in a temporary directory, optionally pinned to one CPU."""
    cpus = usable_cpus()
    pinning = ("--cpu", str(max(cpus))) if pin_to_cpu and len(cpus) > 1 else ()
    with (
        TemporaryDirectory(prefix="hushpost-bench-") as folder,
        AuthorityProcess(Path(folder), *options, *pinning, first_start=True) as process,
    ):
        postgres_pid, dsn = read_postmaster_file(process.data_dir)
        yield Authority(
            process.process.pid,
            process.target,
            process.data_dir,
            process.admin_key(),
            dsn,
            Path(f"/proc/{postgres_pid}/exe").resolve().parent,
        )


async def check_durability(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Assert that PostgreSQL commits durably; figures would be meaningless otherwise."""
    for setting, expected in _DURABLE_SETTINGS.items():
        value = await connection.fetchval("select current_setting($1)", setting)
        assert value == expected, f"{setting} is {value}"


def read_postmaster_file(data_dir: Path) -> tuple[int, str]:
    """Return the process id and the DSN of the embedded PostgreSQL."""
    pid, _, _, port, socket_folder, *_ = (
        (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    )
    return (
        int(pid),
        f"postgresql://postgres@/postgres?host={socket_folder.strip()}&port={port.strip()}",
    )
