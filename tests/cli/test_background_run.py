"""The tests also pass in the background of a script, where shells ignore SIGINT."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
TIMEOUT_SECONDS = 60


def test_interrupts_reach_children_if_the_parent_ignores_them(tmp_path: Path) -> None:
    """A test that sends SIGINT to a child passes although pytest was started with it ignored."""
    # At its start, pytest makes the root of its temporary folders private. The databases of
    # this run are below that root, and run as another user if this is root.
    environment = {**os.environ, "PYTEST_DEBUG_TEMPROOT": str(tmp_path)}
    test = f"{FOLDER / 'test_erase.py'}::test_an_interrupt_reports_the_progress"
    done = subprocess.run(
        [  # noqa: S607 - sh is on every PATH
            "sh",
            "-c",
            'trap "" INT; exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "pytest",
            test,
            "-p",
            "no:cacheprovider",
            f"--rootdir={FOLDER.parents[1]}",
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
