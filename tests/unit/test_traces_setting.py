"""The variables that turn traces on, and what they cost while they are off."""

import subprocess
import sys

import pytest

from hushpost_runtime.settings import SettingsError
from hushpost_runtime.traces_setting import check_traces

IMPORTS = """
import sys
import hushpost_service.cli.serve
import hushpost_service.rpc.native_server
import hushpost_edge.main_process
import hushpost_edge.worker
from hushpost_runtime.traces_setting import traces_from_environment
assert traces_from_environment("test") is None
print(*[name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_nothing_is_imported_while_traces_are_off() -> None:
    """Neither the authority nor the edge imports OpenTelemetry."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, timeout=60
    )
    assert not done.stdout.split()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_traces_are_off_unless_an_exporter_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, expected: bool
) -> None:
    """An address alone turns nothing on: operators set it for all programs of a machine."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert check_traces() is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
)
def test_what_is_not_possible_is_an_error(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """An unknown exporter or protocol is refused at the start, not ignored."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        check_traces()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(SettingsError, match=r"hushpost\[otel\]"):
        check_traces()
