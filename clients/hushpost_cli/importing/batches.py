"""Sends the rows of a contacts file in batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hushpost_cli._exit import IN_DOUBT
from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.contacts_file.rows import parse_rows
from hushpost_cli.importing.cells import EmptyAs, reader
from hushpost_cli.importing.preflight import ImportSummary
from hushpost_client import HushpostError, PreferenceEntry, Preferences

__all__ = ["MAX_BATCH", "BatchImport", "ImportProgress"]

MAX_BATCH = 10_000
_MAX_NAME_BYTES = 120
# In seconds, including retries. A batch that opts out contacts with a long history returns
# only after their events are anonymized.
_BATCH_TIMEOUT = 120.0


@dataclass(slots=True)
class ImportProgress:
    """The progress of an import.

    Attributes:
        sent: Contacts that were sent and committed.
        created: Contacts that were created.
        changed: Preferences that changed.
        superseded: Rows omitted because another row of the same contact counts.
        done_line: All good rows up to this line are committed.
        open_line: The last line of a batch in doubt; 0 if there is none.
    """

    sent: int = 0
    created: int = 0
    changed: int = 0
    superseded: int = 0
    done_line: int = 0
    open_line: int = 0


@dataclass(slots=True)
class BatchImport:
    """Sends the good rows of a file.

    Batches are sent sequentially. Concurrent batches would gain little, because the
    authority commits them sequentially, and a failed import could not report that
    everything up to line n is imported.
    """

    file: ContactsFile
    summary: ImportSummary
    rejected: RejectedRows
    empty_as: EmptyAs
    batch_size: int
    done: ImportProgress

    async def send(
        self, preferences: Preferences, tenant_id: str, progress: Callable[[int], None]
    ) -> None:
        """Send all good rows. `done` is up to date even after an error.

        Raises:
            HushpostError: The authority rejected a batch, or all retries failed.
            OSError: A rejected row could not be written.
        """
        for entries in self._batches(progress):
            self.done.open_line = self.file.line
            if entries:
                try:
                    outcome = await preferences.batch_set_preferences(
                        entries, tenant_id=tenant_id, timeout=_BATCH_TIMEOUT
                    )
                except HushpostError as error:
                    if not isinstance(error, IN_DOUBT):
                        self.done.open_line = 0
                    raise
                self.done.created += outcome.created_count
                self.done.changed += outcome.changed_count
                self.done.sent += len(entries)
            self.done.done_line, self.done.open_line = self.done.open_line, 0

    def _batches(self, progress: Callable[[int], None]) -> Iterator[list[PreferenceEntry]]:
        batch: dict[str, PreferenceEntry] = {}
        name = _evidence_name(self.file.path.name)
        rows = parse_rows(self.file, reader(self.empty_as), self.rejected.add, progress)
        for line, contact in rows:
            contact_id, preference, source = contact
            if self.summary.supersedes(contact_id, line) or (
                # A row without a preference must not replace one with a preference.
                preference is None and contact_id in batch
            ):
                self.done.superseded += 1
                continue
            batch[contact_id] = PreferenceEntry(
                contact_id, preference, source=source, evidence=f"{name}:{line}"
            )
            if len(batch) >= self.batch_size:
                yield list(batch.values())
                batch.clear()
        yield list(batch.values())


def _evidence_name(name: str) -> str:
    """Shorten a file name for the evidence field, as valid UTF-8."""
    return name.encode("utf-8", "replace")[:_MAX_NAME_BYTES].decode("utf-8", "ignore")
