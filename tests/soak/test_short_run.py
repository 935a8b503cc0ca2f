"""A soak of a few seconds: everything is sampled, and a process that leaks lets it fail."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 240
PARTS = ("authority 1", "authority 2", "edge 1", "edge 2", "PostgreSQL")
OTHERS = (
    *("connections", "connections beyond pools", "unused connections"),
    *("redirect p99", "dead tuples", "database, per click", "table events"),
)


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go")
@pytest.mark.timeout(RUN_SECONDS + 20)
def test_a_short_soak_reports_the_process_that_leaks(tmp_path: Path) -> None:
    """All clicks are counted once, all series are sampled, and the exit code is 1."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.soak", "--minutes=0.05", "--rate=200", "--control"),
            *("--sample-seconds=0.3", "--campaign-seconds=2", "--warm-up-calls=0"),
            f"--output={tmp_path}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert (tmp_path / "soak.json").exists(), done.stderr
    found = json.loads((tmp_path / "soak.json").read_text())
    series = {each["name"]: each["values"] for each in found["series"]}
    names = [f"{part}: {what}" for part in PARTS for what in ("PSS", "RSS", "descriptors")]
    assert {*names, *OTHERS} <= {*series}
    assert {len(values) for values in series.values()} == {len(found["times"])}
    assert all(min(series[name]) > 0 for name in names)
    assert found["clicks"] >= len(found["times"]) * 50
    assert found["trends"]["control: PSS"]["is_growing"]
    assert done.returncode == 1, done.stdout
    assert (tmp_path / "soak.svg").read_text().count("control: PSS (MiB)") == 1
