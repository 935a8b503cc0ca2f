"""Erases the contacts of a file, several at a time."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from hushpost_cli._failures import IN_DOUBT
from hushpost_cli.contacts_file.checked import Checked
from hushpost_cli.contacts_file.reading import ContactsFile
from hushpost_cli.contacts_file.rejected import RejectedFile
from hushpost_cli.contacts_file.rows import good_rows, read_contact_id
from hushpost_client import HushpostError, Preferences, Proof

__all__ = ["AT_ONCE", "Erasure", "Survey", "Tally", "survey"]

AT_ONCE = 16
"""Calls under way: the authority shares the cost of its commits among them."""

_NAMESPACE = UUID("2c1f7d0e-6d0b-4f0e-9a57-0c5a3f1b8e44")

# Seconds, retries included: a contact with a long history is folded before the
# call is answered.
_TIMEOUT = 300.0


@dataclass(slots=True)
class Survey(Checked):
    """What a file holds.

    Attributes:
        digest: SHA-256 of the file, in hexadecimal.
    """

    digest: str = ""


def survey(file: ContactsFile, progress: Callable[[int], None]) -> Survey:
    """Read a file to its end, so that one that can't be read erases nobody.

    Raises:
        FileProblemError: if it can't be read to its end.
    """
    found = Survey()

    def count(rows: int) -> None:
        found.rows = rows
        progress(rows)

    for _ in good_rows(file, read_contact_id, found.reject, count):
        pass
    with file.path.open("rb") as content:
        found.digest = hashlib.file_digest(content, "sha256").hexdigest()
    return found


@dataclass(slots=True)
class Tally:
    """How far an erasure has come.

    Attributes:
        erased: Rows whose contact is erased.
        open: Rows whose contact may or may not be erased.
    """

    erased: int = 0
    open: int = 0


@dataclass(slots=True)
class Erasure:
    """One erasure of the contacts of one file.

    The ids of the requests follow from the file's content, so that a second run
    repeats the calls of the first: whoever signed up again in between is not
    erased by it. Another file is another wish, and is carried out.
    """

    file: ContactsFile
    survey: Survey
    rejected: RejectedFile
    proof: Proof
    at_once: int = AT_ONCE
    tally: Tally = field(default_factory=Tally)

    async def send(
        self, preferences: Preferences, tenant_id: str, progress: Callable[[int], None]
    ) -> None:
        """Erase all; `tally` tells how far it came, also after an error.

        Raises:
            HushpostError: if the authority refused a call, after all retries.
            OSError: if a rejected row could not be written.
        """
        rows = good_rows(self.file, read_contact_id, self.rejected.add, progress)

        async def caller() -> None:
            try:
                for _, contact_id in rows:
                    await self._erase(preferences, tenant_id, contact_id)
            finally:
                rows.close()  # after an error nobody begins another

        callers = (caller() for _ in range(self.at_once))
        for outcome in await asyncio.gather(*callers, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _erase(self, preferences: Preferences, tenant_id: str, contact_id: str) -> None:
        self.tally.open += 1
        try:
            await preferences.erase_contact(
                contact_id,
                proof=self.proof,
                tenant_id=tenant_id,
                request_id=self._request_id(contact_id),
                timeout=_TIMEOUT,
            )
        except HushpostError as error:
            self.tally.open -= not isinstance(error, IN_DOUBT)
            raise
        self.tally.open -= 1
        self.tally.erased += 1

    def _request_id(self, contact_id: str) -> UUID:
        # The contact comes last: nothing that it holds can look like another part.
        return uuid5(_NAMESPACE, f"{self.survey.digest}:{self.proof}:{contact_id}")
