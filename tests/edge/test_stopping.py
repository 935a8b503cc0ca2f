"""An edge ends after SIGTERM, whether or not the authority, its clients or its workers respond."""

import ctypes
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.extent import FULL

from .edge_process import EdgeProcess

_tgkill = ctypes.CDLL(None).tgkill

REQUEST = b"POST /p/x/one-click HTTP/1.1\r\nHost: edge.example.com\r\n"


@pytest.fixture
def silent_authority() -> Iterator[str]:
    """An authority that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def edge(tmp_path: Path, silent_authority: str) -> Iterator[EdgeProcess]:
    """A running edge with one worker."""
    process = EdgeProcess(tmp_path, silent_authority, "hp_x", "--workers=1", path="/healthz")
    try:
        yield process.start()
    finally:
        process.kill()


def test_an_edge_ends_whichever_thread_gets_the_signal(edge: EdgeProcess) -> None:
    """The kernel may deliver SIGTERM to any thread, and often does so after a SIGCONT."""
    pid = edge.process.pid
    other_thread = max(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    assert _tgkill(pid, other_thread, signal.SIGTERM) == 0
    assert edge.wait_for_end() == 0


def test_an_edge_does_not_wait_for_idle_clients(edge: EdgeProcess) -> None:
    """Connections without a request, or with a part of one, do not keep an edge from ending."""
    with ExitStack() as clients:
        for sent in (b"", REQUEST, REQUEST + b"Content-Length: 1000\r\n\r\nabc"):
            address = "127.0.0.1", edge.port
            clients.enter_context(socket.create_connection(address)).sendall(sent)
        assert edge.stop() == 0


@pytest.mark.skipif(not FULL, reason="takes as long as a worker may take")
def test_an_edge_ends_though_a_worker_hangs(edge: EdgeProcess) -> None:
    """A worker that hangs is killed."""
    (worker,) = edge.workers()
    os.kill(worker, signal.SIGSTOP)
    assert edge.stop() == 0
