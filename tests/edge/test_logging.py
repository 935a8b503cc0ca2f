"""The edge's processes log no contact data."""

import pytest

from tests.log_leaks import LEAKS, run_leak

# The start of each process, up to the point where it would begin to serve.
PROCESSES = {
    "main process": """
from granian.server import MPServer
MPServer.serve = lambda self, **options: None
from hushpost_edge.main_process import serve
from hushpost_edge.settings import Settings
serve(Settings())
""",
    "worker": """
from hushpost_edge.settings import Settings
from hushpost_edge.worker import create_app
from hushpost_edge.behaviour_memory import create_behaviour_memory
create_app(Settings(), create_behaviour_memory(1))
""",
}


@pytest.mark.parametrize(
    "leak", ["fields", "library message", "library exception", "thread", "uncaught exception"]
)
@pytest.mark.parametrize("process", PROCESSES)
def test_no_contact_data_reaches_the_log(process: str, leak: str) -> None:
    """Fields, library messages, exceptions and their variables are kept out of the log."""
    text, lines = run_leak(PROCESSES[process], LEAKS[leak])
    assert len(lines) >= 1, "something has been logged"
    assert "canary" not in text
