"""The pages agree with the code on how many database connections an authority opens."""

import re
from pathlib import Path

import pytest

from hushpost_service.admin.auth import KEY_CONNECTIONS
from hushpost_service.settings import Settings
from tests.pgbouncer import documented_configuration

DOCS = Path(__file__).parents[2] / "docs"
BEYOND = KEY_CONNECTIONS + 1
"""Connections beyond `--connections`: those for API keys, and the probe of the database.
`tests/faults/test_connection_limit.py` counts them."""

FIGURES = {
    "how-to/run-the-authority.md": (
        r"workers . \(connections \+ (\d+)\)",
        r"`--connections` connections per process and (\d+) more",
        r"`--connections` and (\d+) more for each worker of each authority",
    ),
    "how-to/scale-out.md": (r"`--connections` of all authorities, plus (\d+) per authority",),
    "reference/settings.md": (r"connections of a process, besides (\d+):",),
    "how-to/kubernetes.md": (r"opens `HUSHPOST_CONNECTIONS` and (\d+) more",),
}


@pytest.mark.parametrize("page", FIGURES)
def test_pages_say_how_many_connections_an_authority_opens(page: str) -> None:
    """A limit of the server or of a pooler that is too low would let calls fail under load."""
    text = " ".join((DOCS / page).read_text("utf-8").split())
    for pattern in FIGURES[page]:
        assert re.findall(pattern, text) == [str(BEYOND)], pattern


def test_the_pool_of_pgbouncer_has_the_size_that_its_comment_derives() -> None:
    """The comment has the default of `--connections`, and a spare authority for updates."""
    (numbers,) = re.findall(
        r"; \((\d+) authorities \+ 1\) \* (\d+) workers \* \((\d+) connections \+ (\d+)\) \+ (\d+)",
        (DOCS / "how-to/run-the-authority.md").read_text("utf-8"),
    )
    authorities, workers, connections, beyond, commands = map(int, numbers)
    assert connections == Settings.model_fields["connections"].default
    assert beyond == BEYOND
    pgbouncer = documented_configuration()["pgbouncer"]
    size = (authorities + 1) * workers * (connections + beyond) + commands
    assert pgbouncer.getint("default_pool_size") == pgbouncer.getint("max_db_connections") == size
    assert int(pgbouncer["max_client_conn"]) >= size
