"""What all runs of the simulator start from: a database with a tenant."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hushpost_client import PolicyUpdate, Release
from tests.authority import AuthorityProcess
from tests.clocks import make_clock_adjustable
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.inspection import on

from .postgres_process import PostgresProcess, make_template

__all__ = ["Template", "template_with_tenant"]


@dataclass(frozen=True)
class Template:
    """A data folder of PostgreSQL, the keyring that belongs to it, and the tenant's keys."""

    data: Path
    keyring: Path
    keys: TenantKeys


async def template_with_tenant(folder: Path) -> Template:
    """Create a database with a tenant and an adjustable clock."""
    empty = await asyncio.to_thread(make_template, folder / "empty")
    with ExitStack() as stack:
        postgres = PostgresProcess(empty, folder)
        stack.callback(postgres.stop)
        await postgres.start()
        environment = {"HUSHPOST_DATABASE_URL": postgres.url}
        process = AuthorityProcess(folder / "authority", environment=environment)
        stack.enter_context(process)
        running = RunningAuthority.of(process)
        keys = await make_tenant(running, PolicyUpdate(release=Release.EXACT))
        async with on(postgres.url) as connection:
            await make_clock_adjustable(connection)
    return Template(postgres.data, process.data_dir / "keyring.json", keys)
