"""Sends the rows of a contacts file in batches."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID, uuid5

from hushpost_cli._exit import IN_DOUBT
from hushpost_cli.contacts_file.csv_file import ContactsFile, Row
from hushpost_cli.contacts_file.rows import parse_rows
from hushpost_cli.importing.cells import Contact, EmptyAs, Statement, reader
from hushpost_cli.importing.preflight import ImportSummary
from hushpost_client import DecisionDetails, HushpostError, PreferenceEntry, Preferences

__all__ = ["MAX_BATCH", "BatchImport", "ImportOptions", "ImportProgress"]

MAX_BATCH = 10_000
_MAX_NAME_BYTES = 120
# In seconds, including retries. A batch that opts out contacts with a long history returns
# only after their events are anonymized.
_BATCH_TIMEOUT = 120.0

_NAMESPACE = UUID("b1a7f0a5-5c0f-4f6e-8a53-8c6f4f7d2f19")

_PROTECTED = "the recipient decided otherwise in person"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How a file is imported.

    Attributes:
        empty_as: The meaning of an empty preference cell.
        batch_size: Contacts per call.
        overrule_recipients: Whether to loosen decisions that recipients made in person.
        dry_run: Whether to ask the authority what it would do, and change nothing.
    """

    empty_as: EmptyAs
    batch_size: int
    overrule_recipients: bool
    dry_run: bool


@dataclass(slots=True)
class ImportProgress:
    """The progress of an import.

    Attributes:
        sent: Contacts that were sent and committed, including the protected ones.
        created: Contacts that were created.
        changed: Preferences that changed.
        loosened: Preferences that became less strict for a purpose.
        tightened: Preferences that became stricter for a purpose.
        protected: Rows that the authority skipped, at least for a purpose, to protect the
            recipient's decision.
        superseded: Rows omitted because another row of the same contact counts.
        done_line: All good rows up to this line are committed.
        open_line: The last line of a batch in doubt; 0 if there is none.
    """

    sent: int = 0
    created: int = 0
    changed: int = 0
    loosened: int = 0
    tightened: int = 0
    protected: int = 0
    superseded: int = 0
    done_line: int = 0
    open_line: int = 0


class _Item(NamedTuple):
    row: Row
    entry: PreferenceEntry


@dataclass(slots=True)
class BatchImport:
    """Sends the good rows of a file.

    Batches are sent sequentially. Concurrent batches would gain little, because the
    authority commits them sequentially, and a failed import could not report that
    everything up to line n is imported.

    The request ids are derived from the content. Running the command again with the same
    file repeats the same requests, which have no effect then, so preferences that changed in
    between stay.
    """

    file: ContactsFile
    summary: ImportSummary
    options: ImportOptions
    reject: Callable[[Row, str], None]
    protect: Callable[[Row, str], None]
    done: ImportProgress

    async def send(
        self, preferences: Preferences, tenant_id: str, progress: Callable[[int], None]
    ) -> None:
        """Send all good rows. `done` is up to date even after an error.

        Raises:
            HushpostError: The authority rejected a batch, or all retries failed.
            OSError: A rejected or protected row could not be written.
        """
        for batch in self._batches(progress):
            self.done.open_line = self.file.line
            if batch:
                await self._send(batch, preferences, tenant_id)
            self.done.done_line, self.done.open_line = self.done.open_line, 0

    async def _send(self, batch: list[_Item], preferences: Preferences, tenant_id: str) -> None:
        entries = [item.entry for item in batch]
        try:
            outcome = await preferences.batch_set_preferences(
                entries,
                overrule_recipients=self.options.overrule_recipients,
                validate_only=self.options.dry_run,
                tenant_id=tenant_id,
                request_id=self._request_id(entries),
                timeout=_BATCH_TIMEOUT,
            )
        except HushpostError as error:
            if not isinstance(error, IN_DOUBT):
                self.done.open_line = 0
            raise
        self.done.sent += len(batch)
        self.done.created += outcome.created_count
        self.done.changed += outcome.changed_count
        self.done.loosened += outcome.loosened_count
        self.done.tightened += outcome.tightened_count
        self.done.protected += len(outcome.protected_indexes)
        for index in outcome.protected_indexes:
            self.protect(batch[index].row, _PROTECTED)

    def _batches(self, progress: Callable[[int], None]) -> Iterator[list[_Item]]:
        batch: list[_Item] = []
        name = _evidence_name(self.file.name)
        rows = parse_rows(self.file, reader(self.options.empty_as), self.reject, progress)
        for row, contact in rows:
            chosen = self.summary.repeated.chosen(contact, row.line)
            if chosen is None:
                self.done.superseded += 1
                continue
            batch.append(_Item(row, _entry(chosen, f"{name}:{row.line}")))
            if len(batch) >= self.options.batch_size:
                yield batch
                batch = []
        yield batch

    def _request_id(self, entries: Iterable[PreferenceEntry]) -> UUID:
        digest = hashlib.sha256()
        for entry in entries:
            details = entry.details
            fields = (
                entry.contact_id,
                entry.do_not_track,
                entry.opens_consent,
                entry.clicks_consent,
                entry.source,
                entry.evidence,
                details and (details.source_id, str(details.decision_time)),
            )
            # JSON, so that no text of a cell can look like another field.
            digest.update(json.dumps(fields).encode() + b"\n")
        return uuid5(_NAMESPACE, f"{digest.hexdigest()}:{self.options.overrule_recipients}")


def _entry(contact: Contact, place: str) -> PreferenceEntry:
    statement = contact.statement
    opens, clicks = contact.decision.consents
    evidence = [place]
    if statement.source:
        evidence.append(f"source: {statement.source}")
    if statement.note:
        evidence.append(f"time: {statement.note}")
    return PreferenceEntry(
        contact.contact_id,
        contact.decision.do_not_track,
        opens_consent=opens,
        clicks_consent=clicks,
        source=contact.source,
        evidence="; ".join(evidence),
        details=_details(statement),
    )


def _details(statement: Statement) -> DecisionDetails | None:
    if not statement.source_id and statement.time is None:
        return None
    return DecisionDetails(source_id=statement.source_id or None, decision_time=statement.time)


def _evidence_name(name: str) -> str:
    """Shorten a file name for the evidence field, as valid UTF-8."""
    return name.encode("utf-8", "replace")[:_MAX_NAME_BYTES].decode("utf-8", "ignore")
