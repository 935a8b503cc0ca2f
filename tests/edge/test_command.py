"""The command `hushpost edge`."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from hushpost_edge.settings import Settings
from tests.authority import HUSHPOST
from tests.conftest import RunningAuthority

from .process import EdgeProcess

DOCS = Path(__file__).parents[2] / "docs"
START_SECONDS = 30


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is to end by itself."""
    return subprocess.run(
        [HUSHPOST, "edge", *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )


def test_each_setting_is_in_the_help_and_in_the_docs() -> None:
    """No setting is a secret: all stand in --help, and in the one table of the docs."""
    help_text = re.sub(r"[\s│]+", "", run("--help", COLUMNS="200").stdout)
    table = (DOCS / "edge.md").read_text()
    for name in Settings.model_fields:
        assert f"HUSHPOST_EDGE_{name.upper()}" in help_text
        assert f"| `{name.upper()}`" in table


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
        (("--log-level=loud",), "log_level"),
    ],
)
def test_mistakes_are_a_line_each(options: tuple[str, ...], message: str) -> None:
    """A setting that can't be right ends the command at once, without a traceback."""
    key = {} if "no API key" in message else {"HUSHPOST_EDGE_API_KEY": "hp_x"}
    done = run(*options, **key)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_edges_share_no_folder(authority: RunningAuthority, edge: EdgeProcess) -> None:
    """A second edge on the same folder does not start; the first goes on."""
    done = run(
        "--listen=127.0.0.1:1",
        f"--authority={authority.target}",
        f"--data-dir={edge.data_dir}",
        HUSHPOST_EDGE_API_KEY="hp_x",
    )
    assert done.returncode == 1
    assert "another edge runs on" in done.stderr
    edge.wait()


async def test_logs_are_json_and_name_nobody(edge: EdgeProcess) -> None:
    """No address, user agent, token or key is in the logs."""
    text = edge.log_file.read_text()
    assert all(line.startswith("{") for line in text.splitlines())
    for secret in ("Mozilla", "203.0.", "/c/AQ", "hp_"):
        assert secret not in text


def test_only_the_owner_can_read_the_folder(edge: EdgeProcess) -> None:
    """Tokens that are not shipped yet are nobody else's to read."""
    assert edge.data_dir.stat().st_mode & 0o077 == 0
