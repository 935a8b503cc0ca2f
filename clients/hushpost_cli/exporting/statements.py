"""How contacts made their latest decisions, from the log of preferences."""

import sqlite3
from datetime import datetime
from typing import NamedTuple, Self

from hushpost_client import PreferenceChange

__all__ = ["NO_STATEMENT", "LatestStatements", "Statement"]


class Statement(NamedTuple):
    """How a decision was made. The names are those of the log."""

    source: str
    source_id: str
    decision_time: str


NO_STATEMENT = Statement("", "", "")


class LatestStatements:
    """The latest entry of each contact, in a temporary file that SQLite deletes."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(
            "create table latest (contact_id text primary key, change_time text not null,"
            " source text not null, source_id text not null, decision_time text not null)"
            " without rowid"
        )
        self._database.execute("begin")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()

    def add(self, change: PreferenceChange) -> None:
        """Remember an entry; those of a contact come in the order of the log."""
        decided = change.details.decision_time
        self._database.execute(
            "insert or replace into latest values (?, ?, ?, ?, ?)",
            (
                change.contact_id,
                change.change_time.isoformat(),
                change.source.lower() if change.source else "",
                change.details.source_id or "",
                decided.isoformat() if decided else "",
            ),
        )

    def of(self, contact_id: str, update_time: datetime | None) -> Statement:
        """Return how a contact made the decision that was recorded at a time.

        Nothing if the decision is newer than the entries, or if its contact was never logged.
        """
        found = self._database.execute(
            "select change_time, source, source_id, decision_time from latest where contact_id = ?",
            (contact_id,),
        ).fetchone()
        if found is None or update_time is None:
            return NO_STATEMENT
        change_time, *statement = found
        if datetime.fromisoformat(change_time) < update_time:
            return NO_STATEMENT
        return Statement(*statement)
