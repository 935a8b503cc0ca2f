"""The time for which a scrub delays recording is the one that was measured."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@pytest.mark.parametrize(
    "file", ["service/hushpost_service/cli/scrub.py", "docs/how-to/run-the-authority.md"]
)
def test_a_scrub_delays_recording_as_long_as_was_measured(file: str) -> None:
    """The help and the guide round the seconds of the page that `make scale` writes."""
    page = (ROOT / "docs/performance/scale.md").read_text("utf-8")
    (measured,) = re.findall(
        r"`hushpost scrub` rewrote .*?: ([\d.]+) s per\s+million", page, re.DOTALL
    )
    text = (ROOT / file).read_text("utf-8")
    numbers = re.findall(r"about (\w+) seconds per\s+million\s+events", text)
    assert numbers == [NUMBERS[round(float(measured))]]
