"""Logs carry no contact data."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hushpost_service
from hushpost_service.logs import drop_contact_data

CONFIGURED = """
import asyncio, gc, logging, sys, threading, warnings
import structlog
from hushpost_service.logs import configure_logs
configure_logs("debug")
log = structlog.get_logger("a")
def fail(value):
    secret = "canary " + value
    raise ValueError(secret)
"""

WAYS = {
    "fields": "log.info('canaries', contact_id='canary', token='canary', detail='canary')",
    "an exception that is passed": "log.error('x', exc_info=ValueError('canary'))",
    "an exception that is handled": """
try: fail("canary")
except ValueError: log.exception("x")
""",
    "the stack": "canary = 1; log.info('x', stack_info=True)",
    "a library's words": "logging.getLogger('library').error('canary')",
    "a library's arguments": "logging.getLogger('library').error('of %s', 'canary')",
    "a library's extras": "logging.getLogger('library').error('x', extra={'contact': 'canary'})",
    "a library's exception": """
try: fail("canary")
except ValueError: logging.getLogger('library').exception("canary")
""",
    "a task that nobody waited for": """
async def main():
    async def work(): fail("canary")
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    del task
    gc.collect()
asyncio.run(main())
""",
    "a callback of the loop": """
async def main():
    asyncio.get_running_loop().call_soon(fail, "canary")
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
    "a thread": """
thread = threading.Thread(target=fail, args=("canary",)); thread.start(); thread.join()
""",
    "a finalizer": """
class Dying:
    def __del__(self): fail("canary")
Dying()
""",
    "the driver's detail": """
import asyncpg
error = asyncpg.UniqueViolationError("canary")
error.detail = "Key (contact_id)=(canary) already exists."
try: raise error
except asyncpg.PostgresError as error: log.error("x", exc_info=error, cause=type(error).__name__)
""",
    "the end of the process": "fail('canary')",
}
"""What could put a contact into the log."""


def _log(program: str) -> tuple[str, list[dict[str, object]]]:
    """Return what a program writes, and as lines."""
    done = subprocess.run(
        [sys.executable, "-c", CONFIGURED + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert not done.stdout
    return done.stderr, [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_into_the_log(way: str) -> None:
    """Neither fields nor words, arguments, exceptions or their variables put a contact there."""
    text, lines = _log(WAYS[way])
    assert len(lines) >= 1, "something has been logged"
    assert "canary" not in text


def test_words_that_cannot_be_put_together_are_left_out() -> None:
    """A message whose arguments do not fit it is not explained by its arguments."""
    text, lines = _log("logging.getLogger('library').error('%d', 'canary'); log.info('after')")
    assert [line["event"] for line in lines] == ["after"]
    assert "canary" not in text


def test_what_happened_can_still_be_found() -> None:
    """The kind of an exception and its place stand in the log in place of its words."""
    _, (line,) = _log(WAYS["a library's exception"])
    assert line["cause"] == "ValueError"
    assert line["logger"] == "library"
    assert str(line["at"]).startswith("<string>:")
    _, (line,) = _log(WAYS["the end of the process"])
    assert line["event"] == "uncaught"
    assert line["cause"] == "ValueError"


def test_unknown_fields_are_dropped() -> None:
    """A field that is not on the list of harmless ones loses its value."""
    event = drop_contact_data(None, "info", {"event": "x", "contact_id": "canary", "tenant": 1})
    assert event == {"event": "x", "contact_id": "dropped", "tenant": 1}


def _calls_of_loggers() -> Iterator[tuple[str, ast.Call]]:
    for file in Path(next(iter(hushpost_service.__path__))).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "_log"
            ):
                yield f"{file.name}:{node.lineno}", node


def test_what_the_service_logs_is_constant_text_and_harmless_fields() -> None:
    """Each message is a literal, for no list looks into it, and each field is on the list."""
    calls = dict(_calls_of_loggers())
    assert len(calls) > 5
    for place, call in calls.items():
        (message,) = call.args
        assert isinstance(message, ast.Constant), place
        given = {str(keyword.arg): "canary" for keyword in call.keywords}
        assert drop_contact_data(None, "info", dict(given)) == given, place
