"""`hushpost demo` as a user runs it: as a process, on a folder."""

import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.authority import HUSHPOST

SECONDS = 100


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the tests share: each works on fresh and on kept data alike."""
    return tmp_path_factory.mktemp("demo") / "data"


def test_the_demo_checks_its_report_on_fresh_and_on_kept_data(data_dir: Path) -> None:
    """Two runs in one folder match what they sent, keep their keys, and leave nothing running."""
    first = _run("--once", "--data-dir", data_dir)
    keys = _keys(data_dir)
    second = _run("--once", "--data-dir", data_dir, "--seed", "2")
    for done in (first, second):
        assert re.search(r"^all 1,\d\d\d numbers match", done.stdout, re.MULTILINE), done
        assert done.returncode == 0
        assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert "500 contacts imported: 500 new" in first.stdout
    assert "500 contacts imported: 0 new" in second.stdout
    assert _keys(data_dir) == keys
    assert all(
        stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
        for file in (data_dir / "keys").iterdir()
    )
    assert _left_running(data_dir) == []


def test_the_printed_example_works_until_ctrl_c(data_dir: Path) -> None:
    """Pasted into a shell, the Python example answers; SIGINT then ends all with exit code 0."""
    with _serving("--data-dir", data_dir, "--listen", "127.0.0.1:0") as (demo, printed):
        example = re.search(r"^\S+ - <<'END'\n.*?^END$", printed, re.MULTILINE | re.DOTALL)
        assert example, printed
        done = subprocess.run(
            ["/bin/sh", "-c", example.group()],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.stderr == ""
        assert "identified=Count(total=" in done.stdout
        demo.send_signal(signal.SIGINT)
        assert demo.wait(SECONDS) == 0
    assert _left_running(data_dir) == []


def test_an_interrupted_demo_leaves_nothing_running(data_dir: Path) -> None:
    """SIGINT while it starts ends the authority and the database too."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        demo.stdout.readline()
        time.sleep(0.5)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(SECONDS) == 130
    assert _left_running(data_dir) == []


def test_the_authority_ends_when_the_demo_is_killed(data_dir: Path) -> None:
    """SIGKILL gives the demo no chance to tidy up; the authority and database end all the same."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        assert any("serving gRPC" in line for line in demo.stdout)
        demo.kill()
    deadline = time.monotonic() + 30
    while _left_running(data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _left_running(data_dir) == []


def test_a_taken_port_is_one_plain_line(data_dir: Path) -> None:
    """It says which address, and that another can be chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = _run("--data-dir", data_dir, "--listen", address)
    assert done.returncode == 1
    assert done.stderr.startswith(f"hushpost: {address} is taken")
    assert done.stderr.count("\n") == 1


def _run(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HUSHPOST, "demo", *options], capture_output=True, text=True, timeout=SECONDS, check=False
    )


@contextmanager
def _started(*options: str | Path) -> Iterator[subprocess.Popen[str]]:
    demo = subprocess.Popen(
        [HUSHPOST, "demo", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with demo:
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.terminate()


@contextmanager
def _serving(*options: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a demo that keeps serving; lend it with what it printed until then."""
    with _started(*options) as demo:
        printed = ""
        assert demo.stdout
        for line in demo.stdout:
            printed += line
            if "Ctrl-C ends it" in line:
                break
        assert "numbers match" in printed
        yield demo, printed


def _keys(data_dir: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (data_dir / "keys").iterdir()}


def _left_running(data_dir: Path) -> list[str]:
    """Return the command lines of processes that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if str(data_dir) in command:
            found.append(command)
    return found
