"""`hushpost demo` as a process."""

import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from hushpost_demo.addresses import check_address
from hushpost_demo.errors import DemoError
from tests.authority import HUSHPOST

SECONDS = 100
EDGE_HOLDS_SECONDS = 3
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept-Language": "en-US,en;q=0.5",
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the tests share, so that the demo runs on fresh and on kept data."""
    return tmp_path_factory.mktemp("demo") / "data"


def test_the_demo_runs_on_fresh_and_on_kept_data(data_dir: Path) -> None:
    """Two runs in one folder print a report and share the keys; the second keeps serving.

    The links of the shown mail redirect, the printed example counts an open of it, the printed
    pages open, and SIGINT stops everything with exit code 0.
    """
    first = _run("--once", "--data-dir", data_dir)
    _assert_reported(first.stdout, "500 new")
    assert first.returncode == 0, first.stderr
    assert _running_processes(data_dir) == []
    keys, mails = _keys(data_dir), _mails(data_dir)
    listen = [f"--{part}listen=127.0.0.1:0" for part in ("", "edge-", "dashboard-")]
    with _serving("--data-dir", data_dir, "--seed", "2", *listen) as (demo, printed):
        _assert_reported(printed.partition("Open one of the mails")[0], "0 new")
        assert "12 rows skipped, because they would loosen what recipients decided" in printed
        assert _keys(data_dir) == keys
        assert len(mails) == len(_mails(data_dir)) == 500
        assert not mails & _mails(data_dir)
        _assert_shown_mail_is_tracked(printed)
        _assert_pages_open(printed)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(SECONDS) == 0
    assert _running_processes(data_dir) == []
    assert all(
        stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
        for file in (data_dir / "keys").iterdir()
    )


def _assert_reported(printed: str, new: str) -> None:
    """Check that counts agree with what people did, and that lines fit a terminal."""
    done = re.search(r"people opened (\d+) mails and clicked (\d+) links", printed)
    counts = re.findall(
        r"(opens|clicks) by people +(\d+) ±(\d+) +(\d+) +(\d+) +(\d+|noise) ±\d+", printed
    )
    assert done, printed
    assert [name for name, *_ in counts] == ["opens", "clicks"], printed
    for (_, *numbers), total in zip(counts, done.groups(), strict=True):
        *known, anonymous = numbers
        people, margin, identified, events = map(int, known)
        assert int(total) // 2 < events <= int(total)
        assert anonymous == "noise" or people == identified + int(anonymous)
        assert 0 < margin < 100
    assert re.search(r"open rate \d\d\.\d% ±\d+\.\d%", printed), printed
    assert re.search(r"12 people opted out, .* [1-9]\d* of their events are anonymous", printed)
    assert f" contacts imported: {new}" in printed
    assert re.search(r"^[1-9]\d* people may be asked for consent now", printed, re.MULTILINE)
    assert re.search(r"^consent\.jsonl: \d+ changes, from ", printed, re.MULTILINE), printed
    assert all(len(line) <= 100 for line in printed.splitlines() if "data/" not in line)


def _assert_shown_mail_is_tracked(printed: str) -> None:
    """Open and click the shown mail through the edge; the printed example counts the open."""
    example = re.search(r"^\S+ - <<'END'\n.*?^END$", printed, re.MULTILINE | re.DOTALL)
    shown = re.search(r"^file://\S+$", printed, re.MULTILINE)
    stats = re.search(r"^\S+ stats .*?$\n.*?$", printed, re.MULTILINE)
    assert example, printed
    assert stats, printed
    assert shown, printed
    before = _people_who_opened(example.group())
    assert "opens by people" in _output(stats.group().replace("--watch", ""))
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


def _assert_pages_open(printed: str) -> None:
    """Sign in to the dashboard with the printed key, and open the preference page."""
    page = re.search(r"^http://\S+/campaigns/(\S+)$", printed, re.MULTILINE)
    key = re.search(r"^hp_\S+$", printed, re.MULTILINE)
    preferences = re.search(r"^http://\S+/p/\S+$", printed, re.MULTILINE)
    assert page, printed
    assert key, printed
    assert preferences, printed
    browser = build_opener(HTTPCookieProcessor())
    with browser.open(page.group()) as form:
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.read().decode())
    fields = {name: unescape(value) for name, value in hidden} | {"api_key": key.group()}
    address = urljoin(page.group(), "/sign-in")
    with browser.open(address, urlencode(fields).encode()) as campaign:
        assert campaign.url == page.group()
        assert page.group(1) in campaign.read().decode()
    with browser.open(preferences.group()) as choice:
        assert "Fernbrook Seeds" in choice.read().decode()


def test_an_interrupted_demo_leaves_nothing_running(data_dir: Path) -> None:
    """SIGINT during the start also stops the authority and the database."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        demo.stdout.readline()
        time.sleep(0.5)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(SECONDS) == 130
    assert _running_processes(data_dir) == []


def test_a_killed_demo_leaves_nothing_running(data_dir: Path) -> None:
    """After SIGKILL of the demo, the edge, the authority and the database stop as well."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        assert any("serving HTTP" in line for line in demo.stdout)
        demo.kill()
    deadline = time.monotonic() + 30
    while _running_processes(data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _running_processes(data_dir) == []


def test_an_edge_that_dies_ends_the_demo(data_dir: Path) -> None:
    """The demo prints one line about the edge and stops everything else."""
    with _started("--once", "--data-dir", data_dir) as demo:
        assert demo.stdout
        assert any("serving HTTP" in line for line in demo.stdout)
        for process in _running_processes(data_dir):
            if "hushpost_edge" in process.command:
                os.kill(process.pid, signal.SIGKILL)
        printed = demo.stdout.read()
        assert demo.wait(SECONDS) == 1, printed
    assert printed.splitlines()[-1].startswith("hushpost: the edge ")
    assert "Traceback" not in printed
    assert _running_processes(data_dir) == []


def test_a_taken_port_is_one_plain_line(data_dir: Path) -> None:
    """The error message names the address and the option to change it."""
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
    """Start a demo that keeps serving; yield it with its output so far."""
    with _started(*options) as demo:
        printed = ""
        assert demo.stdout
        for line in demo.stdout:
            printed += line
            if "Ctrl-C stops it" in line:
                break
        yield demo, printed


def _keys(data_dir: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (data_dir / "keys").iterdir()}


def _mails(data_dir: Path) -> set[bytes]:
    """Return the tracking token in each mail's pixel URL."""
    return {
        found
        for file in (data_dir / "mail").glob("*.eml")
        for found in re.findall(rb"/o/=?\s*([\w=\s-]+)\.gif", file.read_bytes())
    }


def _get(url: str) -> tuple[int, str | None]:
    """Send a GET request like a browser; return status and redirect."""
    there = urlsplit(url)
    connection = HTTPConnection(there.netloc, timeout=10)
    try:
        connection.request("GET", there.path, headers=BROWSER)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location")
    finally:
        connection.close()


def _people_who_opened(example: str) -> int:
    """Run the printed example in a shell; return the identified opens by people."""
    output = _output(example)
    total = re.search(r"identified=Count\(total=(\d+)", output)
    assert total, output
    return int(total.group(1))


def _output(command: str) -> str:
    """Run a command in a shell; return what it prints."""
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stderr == ""
    return done.stdout


class Process(NamedTuple):
    """A running process."""

    pid: int
    command: str


def _running_processes(data_dir: Path) -> list[Process]:
    """Return the processes with the folder in their command line or environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (
                (folder / name).read_bytes().replace(b"\0", b" ").decode(errors="replace")
                for name in ("cmdline", "environ")
            )
        except OSError:
            continue  # the process has just ended
        if str(data_dir) in command or str(data_dir) in environment:
            found.append(Process(int(folder.name), command))
    return found
