"""Turns traces on if the environment asks for them, by the variables of OpenTelemetry.

While they are off, nothing of OpenTelemetry is imported.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hushpost_runtime.settings import SettingsError

if TYPE_CHECKING:
    from hushpost_runtime.traces import Traces

__all__ = ["check_traces", "traces_from_environment"]

_EXPORTER = "OTEL_TRACES_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ONLY_PROTOCOL = "http/protobuf"
_MODULES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def traces_from_environment(service: str) -> "Traces | None":
    """Return traces that are exported, or None if they are off. Raises SettingsError.

    Args:
        service: The name of the service, unless OTEL_SERVICE_NAME has another one.
    """
    if not check_traces():
        return None
    from hushpost_runtime.traces import Traces  # noqa: PLC0415 - needs an extra

    return Traces.exporting(service)


def check_traces() -> bool:
    """Return whether traces are on. Raises SettingsError if they cannot be."""
    exporter = _value(_EXPORTER)
    if exporter in {"", "none"} or _value("OTEL_SDK_DISABLED") == "true":
        return False
    if exporter != "otlp":
        raise SettingsError(f"{_EXPORTER}: only otlp and none are possible")
    for name in _PROTOCOLS:
        if _value(name) not in {"", _ONLY_PROTOCOL}:
            raise SettingsError(f"{name}: only {_ONLY_PROTOCOL} is possible")
    if not _is_installed():
        raise SettingsError(f"{_EXPORTER}: traces need an extra: pip install 'hushpost[otel]'")
    return True


def _is_installed() -> bool:
    try:
        return all(find_spec(module) for module in _MODULES)
    except ModuleNotFoundError:
        return False


def _value(name: str) -> str:
    return os.environ.get(name, "").strip().lower()
