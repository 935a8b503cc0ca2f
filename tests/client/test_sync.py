"""What is special about the synchronous client."""

import inspect
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import hushpost_client
from hushpost_client import CallCancelledError, DoNotTrack, sync

GENERATOR = Path(__file__).parents[2] / "tools" / "generate_sync_client.py"

# Calls a server that accepts connections and never responds.
SCRIPT = """
import sys
from hushpost_client.sync import Hushpost

client = Hushpost.connect(sys.argv[1], api_key="k", timeout=60)
print("calling", flush=True)
{call}
"""


@pytest.fixture
def silent_target() -> Iterator[str]:
    """The address of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def start(call: str, target: str) -> subprocess.Popen[str]:
    """Start a script that makes a call."""
    command = [sys.executable, "-c", SCRIPT.format(call=call), target]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_generated_modules_are_current() -> None:
    """The modules of `_sync` are what the generator makes of those of `_async`."""
    subprocess.run([sys.executable, GENERATOR, "--check"], check=True)


@pytest.mark.parametrize("name", sync.__all__)
def test_both_clients_have_the_same_methods(name: str) -> None:
    """Methods of both clients have the same parameters; results differ in async only."""
    asynchronous, synchronous = getattr(hushpost_client, name), getattr(sync, name)
    assert _methods(asynchronous) == _methods(synchronous)


def _methods(service: type[Any]) -> dict[str, Any]:
    """Return parameters and result type of each public method."""
    return {
        name: (_parameters(method), _item_type(get_type_hints(method)["return"]))
        for name, method in inspect.getmembers(service, callable)
        if not name.startswith("_")
    }


def _parameters(method: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(method).parameters.values())


def _item_type(result: Any) -> Any:
    """Return what an iterator yields, or the type itself."""
    is_iterator = issubclass(get_origin(result) or object, Iterator | AsyncIterator)
    return ("iterator", get_args(result)[0]) if is_iterator else result


def test_threads_share_a_client(authority: Any, tenant: Any) -> None:
    """Calls from several threads at once all succeed."""
    with sync.Hushpost.connect(authority.target, api_key=tenant.sender_key) as client:

        def decline(number: int) -> str | None:
            return client.preferences.set_preference(f"c{number}", DoNotTrack.TRUE).contact_id

        with ThreadPoolExecutor(8) as pool:
            contact_ids = list(pool.map(decline, range(40)))
        changes = list(client.preferences.list_preference_changes(page_size=7))
    assert contact_ids == [f"c{number}" for number in range(40)]
    assert {change.contact_id for change in changes} == set(contact_ids)


def test_closing_cancels_calls_in_progress(silent_target: str) -> None:
    """A call that another thread cancels by closing the client raises CallCancelledError."""
    client = sync.Hushpost.connect(silent_target, api_key="k", timeout=60)
    timer = threading.Timer(0.3, client.close)
    timer.start()
    with pytest.raises(CallCancelledError):
        client.tracking.resolve_link("t", 1)
    timer.join()


@pytest.mark.parametrize(
    "call", ['client.tracking.resolve_link("t", 1)', "next(client.tracking.watch_links())"]
)
def test_ctrl_c_interrupts_a_call(silent_target: str, call: str) -> None:
    """SIGINT raises KeyboardInterrupt out of a call that waits for a response."""
    with start(call, silent_target) as process:
        assert process.stdout
        assert process.stdout.readline() == "calling\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors


def test_a_process_can_end_without_closing_its_client(silent_target: str) -> None:
    """A client that is never closed does not keep the process alive or break its exit."""
    call = "try: client.tracking.resolve_link('t', 1, timeout=0.1)\nexcept Exception: pass"
    with start(call, silent_target) as process:
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
