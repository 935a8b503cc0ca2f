"""PostgreSQL settings that durability and privacy depend on.

Settings that any role may change are set for each session. The others need a superuser:
they are checked at startup, and a warning is logged for each unsafe one.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

import structlog

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.sql import distribution
from hushpost_service.storage.sql import server_settings as sql

__all__ = [
    "SESSION_SETTINGS",
    "UnsafeSetting",
    "has_checksums",
    "read_unsafe_settings",
    "unsafe_settings",
    "warn_about_unsafe_settings",
]

_log = structlog.get_logger(__name__)

SESSION_SETTINGS = {
    # COMMIT returns only when the commit is on disk.
    "synchronous_commit": "on",
    # These would write statement parameters, which identify contacts, to the server's log.
    "log_parameter_max_length_on_error": "0",
    "debug_print_parse": "off",
    "debug_print_plan": "off",
    "debug_print_rewritten": "off",
}
"""Settings that every session sets for itself; any role may do so."""

_REQUIRED = {
    **SESSION_SETTINGS,
    # Without these a crash of the machine can lose or corrupt commits.
    "fsync": "on",
    "full_page_writes": "on",
    # The DETAIL line of an error quotes key values.
    "log_error_verbosity": "terse",
    # Would store the commit time of every row version, including anonymous counters.
    "track_commit_timestamp": "off",
    # Logged plans quote parameters, regardless of log_parameter_max_length.
    "auto_explain.log_min_duration": "-1",
    "pgaudit.log_parameter": "off",
    # Would log the statements for workers, which contain values.
    "citus.log_remote_commands": "off",
}

_PARAMETER_LENGTH = "log_parameter_max_length"

_REQUIRED_IF_PARAMETERS_ARE_LOGGED = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
}
"""Settings that log statements. Harmless if parameters are not logged, because all values
are parameters."""

_REQUIRED_OF_WORKERS = {
    **_REQUIRED_IF_PARAMETERS_ARE_LOGGED,
    "log_min_error_statement": "panic",
}
"""Settings that log statements, which contain values on workers: the coordinator replaces
parameters."""

_ALSO_SAFE = {("log_statement", "ddl")}
"""DDL statements contain no contact data."""


class UnsafeSetting(NamedTuple):
    """A setting with an unsafe value.

    Attributes:
        name: Its name.
        actual: Its value.
        required: The safe value.
        worker: The address of the worker that has it; None for the server of the connection.
    """

    name: str
    actual: str
    required: str
    worker: str | None = None


def unsafe_settings(settings: Mapping[str, str], *, of_worker: bool = False) -> list[UnsafeSetting]:
    """Return the unsafe ones of some settings (value by name); absent settings are safe."""
    required = dict(_REQUIRED)
    if of_worker:
        required |= _REQUIRED_OF_WORKERS
    elif settings.get(_PARAMETER_LENGTH) != "0":
        required |= _REQUIRED_IF_PARAMETERS_ARE_LOGGED
    return [
        UnsafeSetting(name, settings[name], value)
        for name, value in required.items()
        if name in settings and settings[name] != value and (name, settings[name]) not in _ALSO_SAFE
    ]


async def read_unsafe_settings(connection: Connection, kind: DatabaseKind) -> list[UnsafeSetting]:
    """Return the unsafe settings of the server, and of its workers that can be reached."""
    names = [*_REQUIRED, *_REQUIRED_OF_WORKERS, _PARAMETER_LENGTH]
    rows = await connection.fetch(sql.SETTINGS, names)
    unsafe = unsafe_settings(dict(map(tuple, rows)))
    if kind is DatabaseKind.DISTRIBUTED:
        literals = ", ".join(f"'{name}'" for name in names)
        statement = distribution.SETTINGS_AS_JSON.format(names=literals)
        for worker, success, result in await connection.fetch(
            distribution.RUN_ON_WORKERS, statement
        ):
            found = unsafe_settings(json.loads(result), of_worker=True) if success else []
            unsafe += [setting._replace(worker=worker) for setting in found]
    return unsafe


async def has_checksums(connection: Connection) -> bool:
    """Return whether the server checks pages that it reads from the disk."""
    rows = await connection.fetch(sql.SETTINGS, ["data_checksums"])
    return [row["setting"] for row in rows] == ["on"]


async def warn_about_unsafe_settings(connection: Connection, kind: DatabaseKind) -> None:
    """Log a warning for each unsafe setting of the server, and of its workers."""
    for setting in await read_unsafe_settings(connection, kind):
        _log.warning(
            "unsafe database setting",
            setting=setting.name,
            setting_actual=setting.actual,
            setting_required=setting.required,
            worker=setting.worker,
        )
