"""`hushpost demo` as a user runs it: as a process, on a folder."""

import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from hushpost_demo.failure import DemoError
from hushpost_demo.listening import check_address
from tests.authority import HUSHPOST

SECONDS = 100
EDGE_HOLDS_SECONDS = 3
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the tests share: each works on fresh and on kept data alike."""
    return tmp_path_factory.mktemp("demo") / "data"


def test_the_demo_checks_its_report_on_fresh_and_on_kept_data(data_dir: Path) -> None:
    """Two runs in one folder match what they sent and keep their keys; the second serves on.

    The links of the mail that it shows redirect, an open of it is counted, as the
    printed example says, and SIGINT ends all with exit code 0.
    """
    first = _run("--once", "--data-dir", data_dir)
    _assert_right(first.stdout, "500 new")
    assert first.returncode == 0, first.stderr
    assert _left_running(data_dir) == []
    keys, mails = _keys(data_dir), _mails(data_dir)
    listen = ("--listen", "127.0.0.1:0", "--edge-listen", "127.0.0.1:0")
    with _serving("--data-dir", data_dir, "--seed", "2", *listen) as (demo, printed):
        _assert_right(printed.partition("Open one of the mails")[0], "0 new")
        assert _keys(data_dir) == keys
        assert len(mails) == len(_mails(data_dir)) == 500
        assert not mails & _mails(data_dir)
        _assert_read(printed)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(SECONDS) == 0
    assert _left_running(data_dir) == []
    assert all(
        stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
        for file in (data_dir / "keys").iterdir()
    )


def _assert_right(printed: str, new: str) -> None:
    """All numbers are as the model says, and the lines fit a terminal."""
    assert re.search(r"^all 1,\d\d\d numbers match", printed, re.MULTILINE), printed
    assert f"500 contacts imported: {new}" in printed
    assert all(len(line) <= 100 for line in printed.splitlines() if "sent by SMTP to" not in line)


def _assert_read(printed: str) -> None:
    """The mail that is shown leads through the edge, and the example counts who opens it."""
    example = re.search(r"^\S+ - <<'END'\n.*?^END$", printed, re.MULTILINE | re.DOTALL)
    shown = re.search(r"^file://\S+$", printed, re.MULTILINE)
    assert example, printed
    assert shown, printed
    before = _people_who_opened(example.group())
    html = Path(unquote(urlsplit(shown.group()).path)).read_text("utf-8")
    link = re.search(r'href="(http://[^"]+/c/[^"]+)"[^>]*>The sowing calendar', html)
    pixel = re.search(r'src="(http://[^"]+\.gif)"', html)
    assert link, html
    assert pixel, html
    assert _get(link.group(1)) == (302, "https://shop.example.com/calendar?zone=7b&month=3")
    assert _get(pixel.group(1)) == (200, None)
    time.sleep(EDGE_HOLDS_SECONDS)
    deadline = time.monotonic() + 30
    while _people_who_opened(example.group()) != before + 1:
        assert time.monotonic() < deadline


def test_an_interrupted_demo_leaves_nothing_running(data_dir: Path) -> None:
    """SIGINT while it starts ends the authority and the database too."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        demo.stdout.readline()
        time.sleep(0.5)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(SECONDS) == 130
    assert _left_running(data_dir) == []


def test_what_the_demo_started_ends_when_it_is_killed(data_dir: Path) -> None:
    """SIGKILL gives it no chance to tidy up; edge, authority and database end all the same."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        assert any("serving HTTP" in line for line in demo.stdout)
        demo.kill()
    deadline = time.monotonic() + 30
    while _left_running(data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _left_running(data_dir) == []


def test_an_edge_that_dies_ends_the_demo(data_dir: Path) -> None:
    """One plain line says so; the authority and the database end as well."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        assert any("serving HTTP" in line for line in demo.stdout)
        for process in _left_running(data_dir):
            if "hushpost_edge" in process.command:
                os.kill(process.pid, signal.SIGKILL)
        printed = demo.stdout.read()
        assert demo.wait(SECONDS) == 1, printed
    assert printed.splitlines()[-1].startswith("hushpost: the edge ")
    assert "Traceback" not in printed
    assert _left_running(data_dir) == []


def test_a_taken_port_is_one_plain_line(data_dir: Path) -> None:
    """It says which address, and how another can be chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DemoError, match=r"taken: another program .* with --listen;"):
            check_address(address, "--listen")
        done = _run("--once", "--data-dir", data_dir, "--edge-listen", address)
    assert done.returncode == 1
    assert done.stderr.startswith(f"hushpost: {address} is taken")
    assert "with --edge-listen;" in done.stderr
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


def _mails(data_dir: Path) -> set[bytes]:
    """Return each mail's pixel, which no two share."""
    return {
        found
        for file in (data_dir / "mail").glob("*.eml")
        for found in re.findall(rb"/o/=?\s*([\w=\s-]+)\.gif", file.read_bytes())
    }


def _get(url: str) -> tuple[int, str | None]:
    """Ask as a browser does; return status and redirect."""
    there = urlsplit(url)
    connection = HTTPConnection(there.netloc, timeout=10)
    try:
        connection.request("GET", there.path, headers={"User-Agent": BROWSER})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location")
    finally:
        connection.close()


def _people_who_opened(example: str) -> int:
    """Paste the example into a shell; return the total of identified opens by people."""
    done = subprocess.run(
        ["/bin/sh", "-c", example], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stderr == ""
    total = re.search(r"identified=Count\(total=(\d+)", done.stdout)
    assert total, done.stdout
    return int(total.group(1))


class Process(NamedTuple):
    """A process that still runs."""

    pid: int
    command: str


def _left_running(data_dir: Path) -> list[Process]:
    """Return processes that name the folder, in their command line or environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (
                (folder / name).read_bytes().replace(b"\0", b" ").decode(errors="replace")
                for name in ("cmdline", "environ")
            )
        except OSError:
            continue  # it has just ended
        if str(data_dir) in command or str(data_dir) in environment:
            found.append(Process(int(folder.name), command))
    return found
