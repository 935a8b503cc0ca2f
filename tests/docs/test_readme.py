"""README.md names what the distribution has."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_parts_has_every_extra() -> None:
    """Each extra of the distribution is in one row, with what it is for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    parts = (ROOT / "README.md").read_text("utf-8").partition("\n## Parts\n")[2]
    rows = re.findall(r"^\| .+ \| `(\w+)` \| .+ \|$", parts, re.MULTILINE)
    assert sorted(rows) == sorted(project["optional-dependencies"])
