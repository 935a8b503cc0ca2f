"""The server's settings that promises rest on: set where we may, else checked."""

from collections.abc import Mapping
from typing import NamedTuple

import structlog

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import server_settings as sql

__all__ = ["OF_SESSIONS", "BrokenSetting", "broken", "warn_of_settings"]

_log = structlog.get_logger(__name__)

OF_SESSIONS = {
    # An answer means that the commit is on disk.
    "synchronous_commit": "on",
    # These write parameters to the server's log, and parameters name contacts.
    "log_parameter_max_length_on_error": "0",
    "debug_print_parse": "off",
    "debug_print_plan": "off",
    "debug_print_rewritten": "off",
}
"""What any role may set for itself, in a session's start. The rest is the superuser's."""

_WANTED = {
    **OF_SESSIONS,
    # Without these a crash of the machine can undo what has been answered.
    "fsync": "on",
    "full_page_writes": "on",
    # The detail of an error quotes keys.
    "log_error_verbosity": "terse",
    # Would date every version of a row, that of an anonymous counter too.
    "track_commit_timestamp": "off",
    # Plans quote parameters, whatever their logged length is.
    "auto_explain.log_min_duration": "-1",
    "pgaudit.log_parameter": "off",
}

_LOGGED_LENGTH = "log_parameter_max_length"

_WANTED_WHILE_PARAMETERS_ARE_LOGGED = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
}
"""Statements have all values in parameters: without these their text is harmless."""

_HARMLESS = {("log_statement", "ddl")}
"""Definitions name nobody."""


class BrokenSetting(NamedTuple):
    """A setting that breaks a promise."""

    name: str
    found: str
    wanted: str


def broken(settings: Mapping[str, str]) -> list[BrokenSetting]:
    """Return which settings break a promise; one that is missing breaks none."""
    wanted = dict(_WANTED)
    if settings.get(_LOGGED_LENGTH) != "0":
        wanted |= _WANTED_WHILE_PARAMETERS_ARE_LOGGED
    return [
        BrokenSetting(name, settings[name], value)
        for name, value in wanted.items()
        if name in settings and settings[name] != value and (name, settings[name]) not in _HARMLESS
    ]


async def warn_of_settings(connection: Connection) -> None:
    """Log a warning for each setting that breaks a promise."""
    names = [*_WANTED, *_WANTED_WHILE_PARAMETERS_ARE_LOGGED, _LOGGED_LENGTH]
    rows = await connection.fetch(sql.SETTINGS, names)
    for setting in broken(dict(map(tuple, rows))):
        _log.warning(
            "a setting of the database breaks a promise",
            setting=setting.name,
            setting_found=setting.found,
            setting_wanted=setting.wanted,
        )
