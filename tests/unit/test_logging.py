"""Logs carry no contact data."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import hushpost_edge
import hushpost_service
from hushpost_runtime.logging import drop_unlisted_fields
from tests.log_leaks import LEAKS, run_leak

CONFIGURE = """
from hushpost_runtime.logging import configure_logging
configure_logging("debug")
"""


@pytest.mark.parametrize("leak", LEAKS)
def test_no_contact_data_reaches_the_log(leak: str) -> None:
    """Fields, messages, arguments, exceptions and their variables are kept out of the log."""
    text, lines = run_leak(CONFIGURE, LEAKS[leak])
    assert len(lines) >= 1, "something has been logged"
    assert "canary" not in text


def test_a_message_that_cannot_be_formatted_is_dropped() -> None:
    """A message whose arguments do not match it is dropped, and its arguments with it."""
    text, lines = run_leak(
        CONFIGURE, "logging.getLogger('library').error('%d', 'canary'); log.info('after')"
    )
    assert [line["event"] for line in lines] == ["after"]
    assert "canary" not in text


def test_exceptions_are_logged_by_type_and_place() -> None:
    """The log has the type of an exception and the source line instead of the message."""
    _, (line,) = run_leak(CONFIGURE, LEAKS["library exception"])
    assert line["cause"] == "ValueError"
    assert line["logger"] == "library"
    assert str(line["at"]).startswith("<string>:")
    _, (line,) = run_leak(CONFIGURE, LEAKS["uncaught exception"])
    assert line["event"] == "uncaught exception"
    assert line["cause"] == "ValueError"


def test_fields_off_the_allowlist_are_dropped() -> None:
    """A field that is not on the allowlist loses its value."""
    event = drop_unlisted_fields(None, "info", {"event": "x", "contact_id": "canary", "tenant": 1})
    assert event == {"event": "x", "contact_id": "dropped", "tenant": 1}


def _logger_calls(package: ModuleType) -> Iterator[tuple[str, ast.Call]]:
    for file in Path(next(iter(package.__path__))).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "_log"
            ):
                yield f"{file.name}:{node.lineno}", node


@pytest.mark.parametrize("package", [hushpost_edge, hushpost_service])
def test_log_calls_use_constant_messages_and_allowed_fields(package: ModuleType) -> None:
    """Each message is a literal, because no allowlist checks it; each field is on the allowlist."""
    calls = dict(_logger_calls(package))
    assert len(calls) > 5
    for place, call in calls.items():
        (message,) = call.args
        assert isinstance(message, ast.Constant), place
        given = {str(keyword.arg): "canary" for keyword in call.keywords}
        assert drop_unlisted_fields(None, "info", dict(given)) == given, place
