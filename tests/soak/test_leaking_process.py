"""The harness reports a process that leaks, and no other: the control of every soak."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bench.soak.sampling import sample_processes
from bench.soak.series import Recording

SAMPLES, SECONDS = 60, 5
STEADY = "bytearray(b'x') * (1 << 20)"
LEAKS_MEMORY = f"kept.append({STEADY})"
LEAKS_DESCRIPTORS = "kept.append(open('/dev/null'))"
LEAKS_IN_A_CHILD = "child.stdin.write(b'1\\n'), child.stdin.flush(), child.stdout.readline()"

PROGRAM = """
import subprocess, sys
kept = []
child = subprocess.Popen(
    [sys.executable, "-c", sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
) if len(sys.argv) > 2 else None
for _ in sys.stdin:
    exec(sys.argv[1])
    print(flush=True)
"""


class Worker:
    """A process that does the same work for each sample."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def work(self) -> None:
        """Let it do its work once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("1\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline()

    def end(self) -> None:
        """End it, and with it its child."""
        self.process.communicate()


@pytest.fixture
def workers() -> Iterator[dict[str, Worker]]:
    """One process that does not leak, and one for each way to leak."""
    child = PROGRAM.replace("sys.argv[1]", repr(LEAKS_MEMORY))
    programs = {
        "steady": (STEADY,),
        "memory": (LEAKS_MEMORY,),
        "descriptors": (LEAKS_DESCRIPTORS,),
        "child": (LEAKS_IN_A_CHILD, child),
    }
    with ExitStack() as stack:
        made = {}
        for name, program in programs.items():
            made[name] = Worker(*program)
            stack.callback(made[name].end)
        yield made


def test_leaks_are_found_where_they_are(workers: dict[str, Worker]) -> None:
    """Memory and descriptors that a process, or a child of it, keeps are growth; others are not."""
    recording = Recording()
    for number in range(SAMPLES):
        for worker in workers.values():
            worker.work()
        pids = {name: worker.process.pid for name, worker in workers.items()}
        recording.add(number * SECONDS, sample_processes(pids))
    assert recording.growing() == ["memory: PSS", "descriptors: descriptors", "child: PSS"]
