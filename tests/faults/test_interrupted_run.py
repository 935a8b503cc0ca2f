"""Tests and benchmarks that are ended leave no server behind."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.citus_database import is_on_citus
from tests.waiting import until

_RUN = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from tests.authority import AuthorityProcess
    from tests.interruption import interrupt_on_sigterm

    interrupt_on_sigterm()
    with AuthorityProcess(Path(sys.argv[1]), first_start=True) as process:
        print(process.process.pid, process.postgres_pid(), flush=True)
        time.sleep(60)
""")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_an_ended_run(number: signal.Signals, tmp_path: Path) -> None:
    """The signal reaches all processes of the group, as from a terminal or a supervisor."""
    if is_on_citus():
        pytest.skip("the database server is not the run's own")
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as run:
        assert run.stdout is not None
        servers = [int(pid) for pid in run.stdout.readline().split()]
        assert len(servers) == 2
        os.killpg(run.pid, number)
        run.wait(30)
    asyncio.run(until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in servers)))
