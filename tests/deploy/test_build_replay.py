"""The last step of the image's build, with the tools of this environment instead of its own."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.deploy.build_context import packed_files
from tests.deploy.build_replay import BuildReplay
from tests.deploy.dockerfile import ROOT, read_stages

BUILD = read_stages()["build"]
VENDOR = Path("clients/hushpost_dashboard/static/vendor")


@pytest.fixture
def replay(tmp_path: Path) -> BuildReplay:
    """The build before its last step, which makes and installs the wheel."""
    replay = BuildReplay(BUILD, tmp_path)
    (tmp_path / "builder").symlink_to(sys.prefix)
    venv.create(replay.app, with_pip=False, symlinks=True)
    for step in BUILD.all("COPY"):
        replay.run_step(step)
    shutil.copytree(ROOT / VENDOR, tmp_path / "src" / VENDOR)
    return replay


def test_the_wheel_is_made_from_what_the_builder_gets(replay: BuildReplay) -> None:
    """The image contains each tracked file of the source roots, and the chart library."""
    replay.run_step(BUILD.last("RUN"))

    [packages] = replay.app.glob("lib/python*/site-packages")
    packed = [path.partition("/")[2] for path in packed_files()]
    missing = [path for path in packed if not (packages / path).exists()]
    assert missing == []
    vendor = packages / VENDOR.relative_to("clients")
    assert (vendor / "chart.min.js").read_bytes() == (ROOT / VENDOR / "chart.min.js").read_bytes()
    assert (replay.app / "bin/hushpost").exists()
    assert not list(packages.glob("pip*"))


def test_the_chart_library_is_fetched_before_the_wheel_is_made() -> None:
    """A step before the last one runs the script of `make assets`, with npm of the builder."""
    [fetch] = [step for step in BUILD.all("RUN") if "fetch_chart_library" in step.value]
    assert fetch.words == ["tools/fetch_chart_library.sh", "/builder/bin/npm"]
    assert BUILD.all("RUN").index(fetch) < len(BUILD.all("RUN")) - 1
    assert "tools/fetch_chart_library.sh" in (ROOT / "Makefile").read_text("utf-8")
    assert subprocess.run([ROOT / fetch.words[0], "false"], check=False, cwd=ROOT).returncode == 1
