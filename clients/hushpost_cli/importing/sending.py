"""Sends the rows of a file, batch by batch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hushpost_cli.contacts_file.reading import ContactsFile
from hushpost_cli.contacts_file.rejected import RejectedFile
from hushpost_cli.contacts_file.rows import good_rows
from hushpost_cli.importing.rows import EmptyAs, reader
from hushpost_cli.importing.survey import Survey
from hushpost_client import PreferenceEntry, Preferences

__all__ = ["MAX_BATCH", "Import", "Tally"]

MAX_BATCH = 10_000
_MAX_NAME_BYTES = 120
# Seconds, retries included: a batch that opts out contacts with a long history
# folds all of it before it is answered.
_BATCH_TIMEOUT = 120.0


@dataclass(slots=True)
class Tally:
    """How far an import has come.

    Attributes:
        sent: Contacts sent and committed.
        created: How many of them were not known before.
        changed: How many preferences changed.
        superseded: Rows left out because a later one says the same or else.
        done_line: Every good row up to this line is committed.
        open_line: A batch up to this line is on its way; 0 if none is.
    """

    sent: int = 0
    created: int = 0
    changed: int = 0
    superseded: int = 0
    done_line: int = 0
    open_line: int = 0


@dataclass(slots=True)
class Import:
    """One import of one file.

    Batches are sent one after the other. Sending some at a time would gain
    little, since the authority commits them one after the other as well; and
    "everything up to line n" would not be true of an import that broke off.
    """

    file: ContactsFile
    survey: Survey
    rejected: RejectedFile
    empty_as: EmptyAs
    batch_size: int = MAX_BATCH
    tally: Tally = field(default_factory=Tally)

    async def send(
        self, preferences: Preferences, tenant_id: str, progress: Callable[[int], None]
    ) -> None:
        """Send all good rows; `tally` tells how far it came, also after an error.

        Raises:
            HushpostError: if the authority refused a batch, after all retries.
            OSError: if a rejected row could not be written.
        """
        for entries in self._batches(progress):
            self.tally.open_line = self.file.line
            if entries:
                outcome = await preferences.batch_set_preferences(
                    entries, tenant_id=tenant_id, timeout=_BATCH_TIMEOUT
                )
                self.tally.created += outcome.created_count
                self.tally.changed += outcome.changed_count
                self.tally.sent += len(entries)
            self.tally.done_line, self.tally.open_line = self.tally.open_line, 0

    def _batches(self, progress: Callable[[int], None]) -> Iterator[list[PreferenceEntry]]:
        batch: dict[str, PreferenceEntry] = {}
        name = _evidence_name(self.file.path.name)
        rows = good_rows(self.file, reader(self.empty_as), self.rejected.add, progress)
        for line, contact in rows:
            contact_id, preference, source = contact
            if self.survey.supersedes(contact_id, line) or (
                # A row without a preference must not stand in for one that has it.
                preference is None and contact_id in batch
            ):
                self.tally.superseded += 1
                continue
            batch[contact_id] = PreferenceEntry(
                contact_id, preference, source=source, evidence=f"{name}:{line}"
            )
            if len(batch) >= self.batch_size:
                yield list(batch.values())
                batch.clear()
        yield list(batch.values())


def _evidence_name(name: str) -> str:
    """Answer a file's name as evidence: valid UTF-8, and short beside 10,000 others."""
    return name.encode("utf-8", "replace")[:_MAX_NAME_BYTES].decode("utf-8", "ignore")
