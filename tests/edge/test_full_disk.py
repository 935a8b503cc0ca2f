"""An edge on a full disk redirects, ships what its spool has, and can be restarted."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Clients, RunningAuthority
from tests.faults.simulator.cutting_proxy import CuttingProxy
from tests.free_port import free_port
from tests.limited_disk import LimitedDisk, mounted
from tests.log_lines import log_lines
from tests.waiting import eventually, until

from .conftest import counts, send
from .edge_process import EdgeProcess
from .test_outage import click, files_with_tokens, metric, readiness

CASES = Path(__file__).with_name("full_disk_cases.py")
NO_ROOM = b"ok, but the disk is full or fails: events are dropped\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LimitedDisk]:
    """An empty disk of 8 MiB."""
    made = mounted(tmp_path / "disk", 8 << 20)
    if made is None:
        pytest.skip("this system does not allow mounts")
    yield made
    made.unmount()


def test_the_files_of_an_edge_on_a_full_disk(disk: LimitedDisk) -> None:
    """Runs the tests of `full_disk_cases.py` in the disk's namespace."""
    done = subprocess.run(
        [*disk.enter, sys.executable, "-m", "pytest", "-q", CASES],
        env={**os.environ, "LIMITED_DISK": str(disk.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
async def proxy(authority: RunningAuthority) -> AsyncIterator[CuttingProxy]:
    """Between the edge and the authority, for an outage of the authority."""
    proxy = CuttingProxy(int(authority.target.rpartition(":")[2]))
    await proxy.start()
    yield proxy
    await proxy.close()


async def test_an_edge_survives_a_full_disk(
    clients: Clients, edge_key: str, proxy: CuttingProxy, disk: LimitedDisk, tmp_path: Path
) -> None:
    """Links redirect on a full disk and after restarts; what was recorded before is shipped."""
    mailing = await send(clients.sender, [f"reader-{number}" for number in range(1_000)])
    tokens = list(mailing.tokens.values())
    before, meanwhile, after = tokens[:600], tokens[600], tokens[601:]
    clicks = len(before)
    ask = f"127.0.0.1:{free_port()}"
    edge = EdgeProcess(
        tmp_path, f"127.0.0.1:{proxy.port}", edge_key, "--ask-listen", ask, disk=disk
    )
    with ExitStack() as stack:
        stack.push(edge)
        await asyncio.to_thread(edge.start)  # the proxy runs in this thread
        await until((edge.data_dir / "keys" / "authority.json").exists)
        port = proxy.target
        proxy.switch(free_port())
        await click(edge.port, before)
        metrics = list((edge.data_dir / "metrics").glob("*.db"))
        assert len(metrics) == 3 * 2, "of the main process and the worker"
        assert all(file.stat().st_blocks * 512 >= file.stat().st_size for file in metrics)
        clicks += await click_without_room(edge, disk, meanwhile)
        edge.kill_workers()
        await asyncio.to_thread(edge.wait)
        for stop in (edge.kill, edge.stop):
            clicks += await click_without_room(edge, disk, meanwhile)
            await asyncio.to_thread(stop)
            disk.fill(0)
            await asyncio.to_thread(edge.start)
        clicks += await click_without_room(edge, disk, meanwhile)
        proxy.switch(port)

        async def recorded_or_dropped() -> int:
            return (await counts(clients.reporter, mailing)).clicks + dropped_events(edge)

        await eventually(recorded_or_dropped, clicks)
        clicks += await click_without_room(edge, disk, meanwhile)
        disk.clear()
        await eventually(lambda: readiness(edge), b"ok\n")
        await eventually(lambda: metric(edge, "hushpost_edge_spool_available"), 1.0)
        await click(edge.port, after)
        await eventually(recorded_or_dropped, clicks + len(after))
        unique = (await counts(clients.reporter, mailing)).unique_clicks
        assert unique >= len(before) + len(after)
        assert await asyncio.to_thread(edge.stop) == 0
    assert files_with_tokens(disk.outside(disk.folder), tokens) == []


async def click_without_room(edge: EdgeProcess, disk: LimitedDisk, token: str) -> int:
    """Fill the disk and click until events are dropped; return the number of clicks."""
    clicks = 0
    while await readiness(edge) != NO_ROOM:
        disk.fill(0)
        await click(edge.port, [token])
        clicks += 1
    await eventually(lambda: metric(edge, "hushpost_edge_spool_available"), 0.0)
    return clicks


def dropped_events(edge: EdgeProcess) -> int:
    """Return how many events the log says were dropped."""
    return sum(
        line["events"] for line in log_lines(edge.log_file) if "events dropped" in line["event"]
    )
