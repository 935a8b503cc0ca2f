"""CPU pinning with `--cpu`."""

import os
import subprocess
from pathlib import Path

import pytest

from hushpost_service.cpu_affinity import usable_cpus
from tests.authority import HUSHPOST, AuthorityProcess

pytestmark = pytest.mark.skipif(
    not usable_cpus(), reason="this system does not support CPU affinity"
)


def test_cpu_pins_the_authority_but_not_its_database(tmp_path: Path) -> None:
    """The threads of the server run on the given CPU; the database may use every CPU."""
    core = max(usable_cpus())
    with AuthorityProcess(tmp_path, "--cpu", str(core)) as authority:
        pid = authority.process.pid
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        # The main thread and gRPC's threads; the thread that starts the database is not pinned.
        staying = [pid, *(int(each.name) for each in threads if _name(each) != _name(threads[0]))]
        assert len(staying) > 1
        assert {frozenset(os.sched_getaffinity(thread)) for thread in staying} == {
            frozenset({core})
        }
        postmaster = authority.data_dir / "postgres" / "postmaster.pid"
        database = int(postmaster.read_text().splitlines()[0])
        assert os.sched_getaffinity(database) == usable_cpus()


@pytest.mark.parametrize("transport", ["grpcio", "native"])
@pytest.mark.parametrize("is_pinned", [True, False])
def test_only_threads_of_a_pinned_authority_wait_for_their_turn(
    tmp_path: Path, transport: str, *, is_pinned: bool
) -> None:
    """Threads of the transport do not interrupt the event loop on the CPU that they share."""
    pinning = ("--cpu", str(max(usable_cpus()))) if is_pinned else ()
    with AuthorityProcess(tmp_path, "--transport", transport, *pinning) as authority:
        pid = authority.process.pid
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        transports = [int(each.name) for each in threads if _name(each).startswith(TRANSPORTS)]
        policies = {os.sched_getscheduler(thread) for thread in transports}
        assert policies == {os.SCHED_BATCH if is_pinned else os.SCHED_OTHER}
        assert os.sched_getscheduler(pid) == os.SCHED_OTHER
        postmaster = authority.data_dir / "postgres" / "postmaster.pid"
        database = int(postmaster.read_text().splitlines()[0])
        assert os.sched_getscheduler(database) == os.SCHED_OTHER


TRANSPORTS = ("event_engine", "grpc-native-io")
"""How the names of threads of gRPC and of the native transport begin."""


def _name(thread: Path) -> str:
    return (thread / "comm").read_text()


def test_a_missing_cpu_is_rejected(tmp_path: Path) -> None:
    """The error names the setting, and nothing starts."""
    ended = subprocess.run(
        [HUSHPOST, "serve", "--data-dir", tmp_path, "--cpu", "4711"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "cpu must be one of the CPUs" in ended.stderr
    assert not list(tmp_path.iterdir())
