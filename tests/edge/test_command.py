"""The command `hushpost edge`."""

import os
import re
import subprocess

import pytest

from hushpost_edge.settings import Settings
from hushpost_runtime.settings import environment_variable, read_settings
from tests.authority import HUSHPOST
from tests.conftest import RunningAuthority
from tests.log_lines import log_lines

from .edge_process import EdgeProcess

START_SECONDS = 30


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `hushpost edge` and return its output."""
    return subprocess.run(
        [HUSHPOST, "edge", *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )


def test_each_setting_is_in_the_help() -> None:
    """Each setting is in --help; tests/docs checks that it is in the docs."""
    help_text = re.sub(r"[\s│]+", "", run("--help", COLUMNS="200").stdout)
    for name in Settings.model_fields:
        assert environment_variable(Settings, name) in help_text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no API key"),
        (("--api-key-file=/nowhere/key",), "/nowhere/key"),
        (("--listen=8080",), "host:port"),
        (("--listen=127.0.0.1:0",), "host:port"),
        (("--workers=0",), "workers"),
        (("--trusted-proxies=10.0.0.0/33",), "10.0.0.0/33"),
        (("--scanner-ranges=/nowhere/ranges",), "/nowhere/ranges"),
        (("--apple-app-site-association=/nowhere/apple",), "/nowhere/apple"),
        (("--assetlinks=/nowhere/assetlinks",), "/nowhere/assetlinks"),
        (("--log-level=loud",), "log_level"),
    ],
)
def test_invalid_settings_are_reported_in_one_line(options: tuple[str, ...], message: str) -> None:
    """An invalid setting ends the command with exit code 2 and one line, not a traceback."""
    key = {} if "no API key" in message else {"HUSHPOST_EDGE_API_KEY": "hp_x"}
    done = run(*options, **key)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_data_directory_that_cannot_be_created_is_reported() -> None:
    """In one line, not as a traceback."""
    done = run("--data-dir=/dev/null/edge", HUSHPOST_EDGE_API_KEY="hp_x")
    assert (done.returncode, done.stderr) == (1, "hushpost: Not a directory: /dev/null/edge\n")


def test_the_authority_has_one_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """HUSHPOST_AUTHORITY, which other commands use too, has the address; the option wins."""
    monkeypatch.setenv("HUSHPOST_EDGE_AUTHORITY", "ignored:1")
    monkeypatch.setenv("HUSHPOST_AUTHORITY", "authority.example.com:50051")
    assert read_settings(Settings).authority == "authority.example.com:50051"
    assert read_settings(Settings, authority="other:50051").authority == "other:50051"


def test_two_edges_cannot_share_a_data_directory(
    authority: RunningAuthority, edge: EdgeProcess
) -> None:
    """A second edge with the same data directory does not start; the first keeps running."""
    done = run(
        "--listen=127.0.0.1:1",
        f"--authority={authority.target}",
        f"--data-dir={edge.data_dir}",
        HUSHPOST_EDGE_API_KEY="hp_x",
    )
    assert done.returncode == 1
    assert "another edge is using the data directory" in done.stderr
    edge.wait()


async def test_logs_are_json_without_personal_data(edge: EdgeProcess) -> None:
    """The log is JSON and has no address, user agent, token or API key."""
    assert log_lines(edge.log_file)
    text = edge.log_file.read_text()
    for secret in ("Mozilla", "203.0.", "/c/AQ", "hp_"):
        assert secret not in text


def test_only_the_owner_can_read_the_data_directory(edge: EdgeProcess) -> None:
    """Other users of the machine cannot read the tokens in the spool."""
    assert edge.data_dir.stat().st_mode & 0o077 == 0
