"""Erases contacts."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from hushpost_service.domain.modes import History
from hushpost_service.domain.validation import checked_contact_id
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.preferences.time_steps import TimeSteps
from hushpost_service.storage import anonymization as anonymization_jobs
from hushpost_service.storage import contacts as storage
from hushpost_service.storage import last_opens, preference_log, request_ids
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_clock import database_time
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenant_locks import lock_recording

__all__ = ["ContactEraser", "Proof"]


class Proof(IntEnum):
    """What happens to the change log of an erased contact. Values as in `hushpost.v1.Proof`.

    PSEUDONYMIZE replaces the contact id in the log by a salted digest; the salt is discarded.
    """

    DELETE = 1
    PSEUDONYMIZE = 2


class ContactEraser:
    """Erases the contacts of a tenant."""

    def __init__(
        self,
        database: Database,
        anonymizer: Anonymizer,
        vacuum: ContactVacuum,
        time_steps: TimeSteps,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._anonymizer = anonymizer
        self._vacuum = vacuum
        self._time_steps = time_steps
        self._clock = clock

    async def erase(self, tenant: int, contact_id: str, proof: Proof, request: UUID | None) -> None:
        """Delete a contact; return once its events are anonymized.

        Raises CONTACT_ID_INVALID, REQUEST_ID_REUSED.
        """
        checked_contact_id(contact_id)
        content = {"contact_id": contact_id, "proof": proof}

        async def work(connection: Connection) -> int | None:
            if not await request_ids.claim(
                connection, tenant, Method.ERASE_CONTACT, request, content, self._clock()
            ):
                return None
            if proof is Proof.PSEUDONYMIZE:
                salted = secrets.token_bytes(32) + contact_id.encode()
                pseudonym = f"erased:{hashlib.sha256(salted).hexdigest()}"
                await preference_log.pseudonymize_changes(connection, tenant, contact_id, pseudonym)
            else:
                await preference_log.delete_changes(connection, tenant, contact_id)
            number = await storage.delete_contact(connection, tenant, contact_id)
            if number is not None:
                now = await database_time(connection)
                await anonymization_jobs.insert_contact_jobs(
                    connection, tenant, [number], History.ANONYMIZE, now
                )
                await lock_recording(connection, self._database.kind, tenant)
                await last_opens.delete_last_opens(connection, tenant, [number])
            return number

        async with self._vacuum.after_write(tenant) as written:
            number = await self._database.transact("erase contact", work)
            if number is not None:
                written.append(number)
        async with self._time_steps.whole():
            if number is None:
                # An earlier call may have failed between its commit and running the job. The
                # contact is gone, so its job cannot be found by the contact id.
                await self._anonymizer.run_jobs_of_erased_contacts(tenant)
            else:
                await self._anonymizer.run_contact_jobs(tenant, [number])
