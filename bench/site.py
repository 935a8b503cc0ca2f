"""Where a figure is measured: an authority of its own, on a database of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from hushpost_service.cpu_affinity import usable_cpus
from tests.authority import AuthorityProcess

__all__ = ["Site", "check_durability", "site"]

_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


_ON_ONE_CORE = ("--cpu", str(max(usable_cpus()))) if len(usable_cpus()) > 1 else ()
"""It has a processor of its own, where there are two."""


@dataclass(frozen=True, slots=True)
class Site:
    """An authority that serves; `dsn` is its PostgreSQL, `postgres` the folder of its programs."""

    target: str
    admin_key: str
    dsn: str
    pid: int
    postgres: Path


@contextmanager
def site(*, on_one_core: bool) -> Iterator[Site]:
    """Start `hushpost serve` on an empty embedded PostgreSQL; leave nothing behind."""
    options = _ON_ONE_CORE if on_one_core else ()
    with (
        TemporaryDirectory(prefix="hushpost-bench-") as folder,
        AuthorityProcess(Path(folder), *options) as authority,
    ):
        pid, dsn = _server(authority.data_dir)
        yield Site(
            authority.target,
            authority.admin_key(),
            dsn,
            authority.process.pid,
            Path(f"/proc/{pid}/exe").resolve().parent,
        )


async def check_durability(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make sure that an answered commit is on disk: else nothing here means anything."""
    for setting, value in _DURABLE.items():
        found = await connection.fetchval("select current_setting($1)", setting)
        assert found == value, f"{setting} is {found}"


def _server(data_dir: Path) -> tuple[int, str]:
    """Return process id and address of the embedded PostgreSQL, as its postmaster.pid has them."""
    pid, _, _, port, socket_folder, *_ = (
        (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    )
    return (
        int(pid),
        f"postgresql://postgres@/postgres?host={socket_folder.strip()}&port={port.strip()}",
    )
