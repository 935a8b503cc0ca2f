"""PostgreSQL settings that durability and privacy depend on.

Settings that any role may change are set for each session. The others need a superuser:
they are checked at startup, and a warning is logged for each unsafe one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.sql import distribution
from hushpost_service.storage.sql import server_settings as sql

__all__ = [
    "SESSION_SETTINGS",
    "CheckedServers",
    "UnsafeSetting",
    "check_settings",
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
_CHECKSUMS = "data_checksums"

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


@dataclass(slots=True)
class CheckedServers:
    """What was found out about the settings of a server, and of its workers.

    Attributes:
        unsafe: The unsafe settings.
        without_checksums: The servers that do not check pages that they read from the disk: addresses of
            workers, and None for the server of the connection.
        unchecked: The workers whose settings could not be read: by address, why not.
    """

    unsafe: list[UnsafeSetting] = field(default_factory=list)
    without_checksums: list[str | None] = field(default_factory=list)
    unchecked: dict[str, str] = field(default_factory=dict)

    def add(self, settings: Mapping[str, str], worker: str | None = None) -> None:
        """Judge the settings (value by name) of a worker, or of the server of the connection."""
        unsafe = unsafe_settings(settings, of_worker=worker is not None)
        self.unsafe += [setting._replace(worker=worker) for setting in unsafe]
        if settings[_CHECKSUMS] != "on":
            self.without_checksums.append(worker)


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


async def check_settings(connection: Connection, kind: DatabaseKind) -> CheckedServers:
    """Check the settings of the server, and of all workers of a distributed database."""
    names = [*_REQUIRED, *_REQUIRED_OF_WORKERS, _PARAMETER_LENGTH, _CHECKSUMS]
    checked = CheckedServers()
    checked.add(dict(map(tuple, await connection.fetch(sql.SETTINGS, names))))
    if kind is DatabaseKind.DISTRIBUTED:
        literals = ", ".join(f"'{name}'" for name in names)
        statement = distribution.SETTINGS_AS_JSON.format(names=literals)
        for worker, success, result in await connection.fetch(
            distribution.RUN_ON_WORKERS, statement
        ):
            if success:
                checked.add(json.loads(result), worker)
            else:
                checked.unchecked[worker] = result
    return checked


async def warn_about_unsafe_settings(connection: Connection, kind: DatabaseKind) -> None:
    """Log a warning for each unsafe setting, and for each worker that could not be checked."""
    checked = await check_settings(connection, kind)
    for setting in checked.unsafe:
        _log.warning(
            "unsafe database setting",
            setting=setting.name,
            setting_actual=setting.actual,
            setting_required=setting.required,
            worker=setting.worker,
        )
    for worker in checked.unchecked:
        _log.warning("settings of a worker not checked", worker=worker)
