"""Logs carry no contact data."""

import json
import logging
import subprocess
import sys

from hushpost_service.logs import drop_contact_data

PROGRAM = """
import logging, structlog
from hushpost_service.logs import configure_logs
configure_logs("info")
structlog.get_logger("a").info("set", contact_id="canary-1", token="canary-2", tenant=3)
structlog.get_logger("a").info("failed", exc_info=ValueError("canary-3"))
try:
    raise ValueError("canary-4")
except ValueError:
    logging.getLogger("library").exception("library failed")
"""


def test_unknown_fields_are_dropped() -> None:
    """A field that is not on the list of harmless ones loses its value."""
    event = drop_contact_data(None, "info", {"event": "x", "contact_id": "canary", "tenant": 1})
    assert event == {"event": "x", "contact_id": "dropped", "tenant": 1}


def test_no_canary_reaches_standard_error() -> None:
    """Neither fields nor exceptions, ours or a library's, put a contact into the log."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["set", "failed", "library failed"]
    assert "canary" not in done.stderr
    assert lines[0]["tenant"] == 3
    assert logging.getLogger().handlers is not None
