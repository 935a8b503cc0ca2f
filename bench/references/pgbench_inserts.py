"""Reference for recording: pgbench, with one INSERT and one durable commit per event."""

import asyncio
import re
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

from bench.authority import Authority

__all__ = ["CLIENTS", "measure_inserts"]

CLIENTS = 64
_SECONDS = 3
_STOP_SECONDS = 20

_SCRIPT = """
\\set campaign random(1, 200)
\\set contact random(1, 100000)
\\set group random(1, 20)
\\set slot random(1, 5000)
\\set signal random(0, 5)
\\set verdict random(1, 4)
insert into events
    (campaign, contact, event_time, tenant, group_number, slot, signal, verdict, is_first)
values (:campaign, :contact, now(), 1, :group, :slot, :signal, :verdict, true);
"""


async def measure_inserts(authority: Authority, database: str) -> float:
    """Insert into the table of `create_event_table` for 3 s; return rows per second."""
    with TemporaryDirectory(prefix="hushpost-bench-pgbench-") as folder:
        script = Path(folder) / "insert.sql"
        await asyncio.to_thread(script.write_text, _SCRIPT)
        output = await _run_pgbench(authority, database, script)
    rate = re.search(r"tps = ([0-9.]+)", output)
    assert rate is not None, output
    failed = re.search(r"number of failed transactions: (\d+)", output)
    assert failed is None or int(failed[1]) == 0, output
    return float(rate[1])


async def _run_pgbench(authority: Authority, database: str, script: Path) -> str:
    address = parse_qs(urlsplit(authority.dsn).query)
    process = await asyncio.create_subprocess_exec(
        authority.postgres_bin / "pgbench",
        *("--no-vacuum", "--protocol=prepared", f"--file={script}"),
        *(f"--client={CLIENTS}", "--jobs=1", f"--time={_SECONDS}"),
        *("--host", address["host"][0], "--port", address["port"][0], "--username=postgres"),
        database,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS + _STOP_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode()
