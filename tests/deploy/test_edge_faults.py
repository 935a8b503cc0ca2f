"""Alerts about the edge fire while it has the fault, and not before."""

import time
from contextlib import closing
from pathlib import Path

from hushpost_client import Role
from hushpost_edge.spool import ARRIVAL_EVENTS, Spool
from hushpost_edge.spooled_event import RECORD_BYTES
from tests.deploy.conftest import Installation
from tests.deploy.monitor import EDGE, Monitor
from tests.edge.ciphers import CIPHER
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import Connection, get

MIB = 1 << 20
HOUR_MICROSECONDS = 3600 * 1_000_000


def _fill_spool(edge: EdgeProcess) -> None:
    """Write more than a MiB of events into the spool file of the worker, as of an hour ago."""
    file = edge.data_dir / "spool" / "1.sqlite"
    with closing(Spool(file, lambda: time.time_ns() // 1000 - HOUR_MICROSECONDS, CIPHER)) as spool:
        for first in range(1, 2 * MIB // RECORD_BYTES, ARRIVAL_EVENTS):
            spool.append(first, bytes(ARRIVAL_EVENTS * RECORD_BYTES), ())


def _with_unknown_key(token: str) -> str:
    """Return the path of a pixel whose token has the id of a key that there is not."""
    return f"/o/{token[:1]}R{token[2:]}.gif"


async def test_events_that_wait_in_a_full_spool(tmp_path: Path) -> None:
    """An edge that does not reach its authority has kept events for an hour, and has no room."""
    edge = EdgeProcess(tmp_path, "127.0.0.1:1", "hp_x", f"--spool-bytes={MIB}", path="/healthz")
    monitor = Monitor({EDGE: f"127.0.0.1:{edge.port}"})
    with edge:
        await monitor.is_silent()
        edge.kill()
        _fill_spool(edge)
        edge.start()
        await monitor.fires(
            "HushpostEdgeSpoolUnavailable", "HushpostEdgeSpoolFilling", "HushpostEdgeEventsWait"
        )


async def test_rejected_events_and_a_rejected_key(
    installation: Installation, tmp_path: Path
) -> None:
    """A token of an unknown key waits in quarantine; with a revoked key nothing is shipped."""
    admin = installation.clients.installation.admin
    key = await admin.create_api_key(Role.EDGE)
    assert key.secret is not None
    token = installation.mailing.tokens["reader-0"]
    with EdgeProcess(tmp_path, installation.authority.target, key.secret) as edge:
        monitor = installation.monitor(edge)
        await monitor.is_silent()
        await get(edge.port, _with_unknown_key(token))
        await monitor.fires("HushpostEdgeQuarantine")
        await admin.revoke_api_key(key.api_key.key_id)
        await get(edge.port, f"/o/{token}.gif")
        await monitor.fires("HushpostEdgeKeyRejected")


async def test_events_that_are_dropped_from_the_quarantine(
    installation: Installation, tmp_path: Path
) -> None:
    """More events of an unknown key than an eighth of the quarantine holds, in one burst."""
    room = MIB // 2 // 8 // RECORD_BYTES
    path = _with_unknown_key(installation.mailing.tokens["reader-0"])
    key, target = installation.keys.edge_key, installation.authority.target
    with EdgeProcess(tmp_path, target, key, f"--spool-bytes={MIB}") as edge:
        monitor = installation.monitor(edge)
        await monitor.is_silent()
        async with Connection(edge.port) as connection:
            for _ in range(room + 1):
                await connection.get(path)
        await monitor.fires("HushpostEdgeQuarantineDrops")
