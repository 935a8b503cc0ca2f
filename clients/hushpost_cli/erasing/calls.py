"""Erases the contacts of a file with concurrent calls."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid5

from hushpost_cli._exit import IN_DOUBT
from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.contacts_file.rows import parse_rows, read_contact_id
from hushpost_cli.contacts_file.summary import Summary
from hushpost_client import HushpostError, Preferences, Proof

__all__ = ["CONCURRENT_CALLS", "EraseCalls", "EraseProgress", "EraseSummary", "check_rows"]

CONCURRENT_CALLS = 16
"""Default number of concurrent calls; the authority commits them in groups."""

_NAMESPACE = UUID("2c1f7d0e-6d0b-4f0e-9a57-0c5a3f1b8e44")

# In seconds, including retries. The call for a contact with a long history returns only
# after its events are anonymized.
_TIMEOUT = 300.0


@dataclass(slots=True)
class EraseSummary(Summary):
    """The content of a file.

    Attributes:
        digest: SHA-256 of the file in hexadecimal.
    """

    digest: str = ""


def check_rows(file: ContactsFile, progress: Callable[[int], None]) -> EraseSummary:
    """Read a file to its end without side effects.

    Raises:
        FileError: The file can't be read to its end.
    """
    summary = EraseSummary()

    def count(rows: int) -> None:
        summary.rows = rows
        progress(rows)

    for _ in parse_rows(file, read_contact_id, summary.reject, count):
        pass
    with file.path.open("rb") as content:
        summary.digest = hashlib.file_digest(content, "sha256").hexdigest()
    return summary


@dataclass(slots=True)
class EraseProgress:
    """The progress of an erasure.

    Attributes:
        erased: Rows whose contact is erased.
        in_doubt: Rows whose contact may or may not be erased.
    """

    erased: int = 0
    in_doubt: int = 0


@dataclass(slots=True)
class EraseCalls:
    """Erases the contacts of the good rows of a file.

    The request ids are derived from the file's content. Running the command again with
    the same file repeats the same requests, so contacts that signed up again in between
    stay. Another file makes new requests.
    """

    file: ContactsFile
    summary: EraseSummary
    rejected: RejectedRows
    proof: Proof
    concurrent_calls: int
    done: EraseProgress

    async def send(
        self, preferences: Preferences, tenant_id: str, progress: Callable[[int], None]
    ) -> None:
        """Erase all contacts. `done` is up to date even after an error.

        Raises:
            HushpostError: The authority rejected a call, or all retries failed.
            OSError: A rejected row could not be written.
        """
        rows = parse_rows(self.file, read_contact_id, self.rejected.add, progress)

        async def caller() -> None:
            try:
                for _, contact_id in rows:
                    await self._erase(preferences, tenant_id, contact_id)
            finally:
                rows.close()  # stops the other callers after an error

        callers = (caller() for _ in range(self.concurrent_calls))
        for outcome in await asyncio.gather(*callers, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _erase(self, preferences: Preferences, tenant_id: str, contact_id: str) -> None:
        self.done.in_doubt += 1
        try:
            await preferences.erase_contact(
                contact_id,
                proof=self.proof,
                tenant_id=tenant_id,
                request_id=self._request_id(contact_id),
                timeout=_TIMEOUT,
            )
        except HushpostError as error:
            self.done.in_doubt -= not isinstance(error, IN_DOUBT)
            raise
        self.done.in_doubt -= 1
        self.done.erased += 1

    def _request_id(self, contact_id: str) -> UUID:
        # The contact id is last, because it may contain colons.
        return uuid5(_NAMESPACE, f"{self.summary.digest}:{self.proof}:{contact_id}")
