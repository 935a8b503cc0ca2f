"""Tracking preferences of contacts."""

from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

from grpc.aio import Channel

from hushpost.v1 import preference_pb2
from hushpost.v1.preference_pb2_grpc import PreferenceServiceStub
from hushpost_client import _preference_proto
from hushpost_client._async.calls import Calls, request_id_or_new
from hushpost_client._enums import Consent, DoNotTrack, History, PreferenceSource, Proof
from hushpost_client._enums_proto import (
    CONSENT,
    DO_NOT_TRACK,
    HISTORY,
    PREFERENCE_SOURCE,
    PROOF,
    set_timestamp,
)
from hushpost_client._preference_types import (
    BatchOutcome,
    DecisionDetails,
    Preference,
    PreferenceChange,
    PreferenceEntry,
)

__all__ = ["Preferences"]


class Preferences:
    """Sets, reads and proves tracking preferences. Requires a key of role SENDER.

    Keys of role EDGE may call the methods that take a preference token. These
    arguments are the same in all methods:

    - `tenant_id`: the tenant to act on; None for the key's own.
    - `request_id`: a UUID that makes a repeated write count once (an idempotency key);
      None generates one.
    - `timeout`: seconds, including retries; None for the client's timeout.

    All methods raise `HushpostError`. Their docstrings list the reasons to expect;
    TENANT_NOT_ALLOWED is possible everywhere.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = PreferenceServiceStub(channel)
        self._calls = calls

    async def set_preference(
        self,
        contact_id: str,
        do_not_track: DoNotTrack | None = None,
        *,
        opens_consent: Consent | None = None,
        clicks_consent: Consent | None = None,
        details: DecisionDetails | None = None,
        source: PreferenceSource | None = None,
        evidence: str | None = None,
        history: History | None = None,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Preference:
        """Set a contact's preference and return it.

        Give `do_not_track`, or the consent to one or both purposes. Once a call that
        declines a purpose has returned, no row names what the contact did of that kind: past
        events are anonymized (unless `history` is KEEP), and events in flight are stored in
        the new mode.

        Args:
            contact_id: 1 to 128 bytes of UTF-8; created if unknown.
            do_not_track: The preference, for both purposes.
            opens_consent: The consent to individual tracking of opens; None leaves it as it
                is.
            clicks_consent: The consent to individual tracking of clicks; None leaves it as
                it is.
            details: How the decision was made, for the log.
            source: SENDER, IMPORT or IMPORT_EMPTY_CELL; None for SENDER. RECIPIENT needs
                the recipient's preference token: `set_preference_by_token`.
            evidence: What proves it, such as a form or ticket id; at most 1,024 bytes.
            history: What to do with the contact's earlier events; None for the policy's
                `history_when_true`.
            tenant_id: The tenant of the contact; None for the key's own.
            request_id: A random UUID for this request only; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: CONTACT_ID_INVALID, FIELD_INVALID, REQUEST_ID_INVALID,
        REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.SetPreferenceRequest(
            tenant_id=tenant_id or "",
            contact_id=contact_id,
            do_not_track=DO_NOT_TRACK.to_wire(do_not_track),
            opens_consent=CONSENT.to_wire(opens_consent),
            clicks_consent=CONSENT.to_wire(clicks_consent),
            source=PREFERENCE_SOURCE.to_wire(source),
            evidence=evidence or "",
            history=HISTORY.to_wire(history),
            request_id=request_id_or_new(request_id),
        )
        return await self._set_preference(request, details, timeout)

    async def set_preference_by_token(
        self,
        preference_token: str,
        do_not_track: DoNotTrack | None = None,
        *,
        opens_consent: Consent | None = None,
        clicks_consent: Consent | None = None,
        details: DecisionDetails | None = None,
        evidence: str | None = None,
        history: History | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Preference:
        """Set the preference of the contact that a preference token names.

        Like `set_preference`, except that it is logged with the source RECIPIENT and
        the result does not name the contact.

        Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, CONTACT_ERASED, FIELD_INVALID,
        REQUEST_ID_INVALID, REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.SetPreferenceRequest(
            preference_token=preference_token,
            do_not_track=DO_NOT_TRACK.to_wire(do_not_track),
            opens_consent=CONSENT.to_wire(opens_consent),
            clicks_consent=CONSENT.to_wire(clicks_consent),
            evidence=evidence or "",
            history=HISTORY.to_wire(history),
            request_id=request_id_or_new(request_id),
        )
        return await self._set_preference(request, details, timeout)

    async def get_preference(
        self, contact_id: str, *, tenant_id: str | None = None, timeout: float | None = None
    ) -> Preference:
        """Return a contact's preference; unknown contacts are UNSET.

        Reasons: CONTACT_ID_INVALID.
        """
        request = preference_pb2.GetPreferenceRequest(
            tenant_id=tenant_id or "", contact_id=contact_id
        )
        response = await self._calls.unary(self._stub.GetPreference, request, timeout)
        return _preference_proto.preference_of_response(response)

    async def get_preference_by_token(
        self, preference_token: str, *, timeout: float | None = None
    ) -> Preference:
        """Return the preference of the contact that a preference token names.

        The result does not name the contact.

        Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, CONTACT_ERASED.
        """
        request = preference_pb2.GetPreferenceRequest(preference_token=preference_token)
        response = await self._calls.unary(self._stub.GetPreference, request, timeout)
        return _preference_proto.preference_of_response(response)

    async def batch_get_preferences(
        self,
        contact_ids: Sequence[str],
        *,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> list[Preference]:
        """Return the preferences of 1 to 10,000 contacts, in the given order.

        Unknown contacts are UNSET.

        Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata `index`).
        """
        request = preference_pb2.BatchGetPreferencesRequest(
            tenant_id=tenant_id or "", contact_ids=contact_ids
        )
        response = await self._calls.unary(self._stub.BatchGetPreferences, request, timeout)
        return [_preference_proto.preference(found) for found in response.preferences]

    async def list_contacts(
        self,
        *,
        opens_consents: Collection[Consent] = (),
        clicks_consents: Collection[Consent] = (),
        decided_before: datetime | None = None,
        never_decided: bool = False,
        may_be_asked: bool = False,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[Preference, None]:
        """Iterate over contacts that match all given filters, sorted by id as bytes.

        No filter depends on what contacts did.

        Args:
            opens_consents: Contacts whose consent to opens is one of these; empty for any.
            clicks_consents: Contacts whose consent to clicks is one of these; empty for any.
            decided_before: Contacts whose preference last changed before this time.
            never_decided: Contacts whose preference never changed.
            may_be_asked: Contacts that may be asked for consent now: they have not granted
                both, and refused neither within the policy's `reask_after_days`.
            page_size: Contacts per page, fetched on demand; default 100, at most 1,000.
            tenant_id: The tenant of the contacts; None for the key's own.
            timeout: Seconds for each page, including retries; None for the client's timeout.

        Reasons: FIELD_INVALID, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> preference_pb2.ListContactsResponse:
            request = preference_pb2.ListContactsRequest(
                tenant_id=tenant_id or "",
                opens_consents=map(CONSENT.to_wire, opens_consents),
                clicks_consents=map(CONSENT.to_wire, clicks_consents),
                never_decided=never_decided,
                may_be_asked=may_be_asked,
                page_size=page_size or 0,
                page_token=page_token,
            )
            if decided_before is not None:
                set_timestamp(request.decided_before, decided_before)
            return await self._calls.unary(self._stub.ListContacts, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for contact in page.contacts:
                    yield _preference_proto.preference(contact)

    async def list_inactive_contacts(
        self,
        before: datetime,
        *,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[str, None]:
        """Iterate over the ids of contacts that have not opened a message since a date.

        These are contacts whose consent to opens is UNKNOWN. They got their first message
        before the date, and have opened none since. It needs a policy with
        `record_last_opens`, and is the only use of the dates that are recorded.

        Args:
            before: The date; its time of day (UTC) is ignored.
            page_size: Contacts per page, fetched on demand; default 100, at most 1,000.
            tenant_id: The tenant of the contacts; None for the key's own.
            timeout: Seconds for each page, including retries; None for the client's timeout.

        Reasons: LAST_OPENS_DISABLED, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> preference_pb2.ListInactiveContactsResponse:
            request = preference_pb2.ListInactiveContactsRequest(
                tenant_id=tenant_id or "", page_size=page_size or 0, page_token=page_token
            )
            set_timestamp(request.before, before)
            return await self._calls.unary(self._stub.ListInactiveContacts, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for contact_id in page.contact_ids:
                    yield contact_id

    async def batch_set_preferences(
        self,
        entries: Iterable[PreferenceEntry],
        *,
        history: History | None = None,
        overrule_recipients: bool = False,
        validate_only: bool = False,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> BatchOutcome:
        """Set 1 to 10,000 preferences atomically.

        Args:
            entries: The preferences. If a contact occurs more than once, its last entry
                counts. Entries of source IMPORT or IMPORT_EMPTY_CELL do not loosen
                decisions of the RECIPIENT: they are skipped for that purpose and reported.
            history: What to do with earlier events of all contacts; None for the policy's
                `history_when_true`.
            overrule_recipients: Whether imports may loosen recipients' decisions.
            validate_only: Whether to change nothing, and to return what the call would do.
            tenant_id: The tenant of the contacts; None for the key's own.
            request_id: A UUID; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata
        `index`), FIELD_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED,
        DATABASE_UNAVAILABLE.
        """
        request = _preference_proto.batch_request(
            entries, history, tenant_id, request_id_or_new(request_id)
        )
        request.overrule_recipients = overrule_recipients
        request.validate_only = validate_only
        response = await self._calls.unary(self._stub.BatchSetPreferences, request, timeout)
        return _preference_proto.batch_outcome(response)

    async def list_preference_changes(
        self,
        contact_id: str | None = None,
        *,
        source: PreferenceSource | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[PreferenceChange, None]:
        """Iterate over the change log of one contact, or of all (None), oldest entry first.

        Args:
            contact_id: The contact; None for all contacts of the tenant.
            source: Changes with this source; None for any.
            start_time: Changes recorded at this time or later.
            end_time: Changes recorded before this time.
            page_size: Changes per page, fetched on demand; default 100, at most 1,000.
            tenant_id: The tenant of the contacts; None for the key's own.
            timeout: Seconds for each page, including retries; None for the client's timeout.

        Reasons: CONTACT_ID_INVALID, FIELD_INVALID, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> preference_pb2.ListPreferenceChangesResponse:
            request = preference_pb2.ListPreferenceChangesRequest(
                tenant_id=tenant_id or "",
                contact_id=contact_id or "",
                source=PREFERENCE_SOURCE.to_wire(source),
                page_size=page_size or 0,
                page_token=page_token,
            )
            if start_time is not None:
                set_timestamp(request.start_time, start_time)
            if end_time is not None:
                set_timestamp(request.end_time, end_time)
            return await self._calls.unary(self._stub.ListPreferenceChanges, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for change in page.changes:
                    yield _preference_proto.preference_change(change)

    async def erase_contact(
        self,
        contact_id: str,
        *,
        proof: Proof | None = None,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Erase a contact and its preference, and anonymize its events.

        Erasing an unknown contact has no effect. `proof` is what to do with the
        contact's entries in the change log; None deletes them.

        Reasons: CONTACT_ID_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED,
        DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.EraseContactRequest(
            tenant_id=tenant_id or "",
            contact_id=contact_id,
            proof=PROOF.to_wire(proof),
            request_id=request_id_or_new(request_id),
        )
        await self._calls.unary(self._stub.EraseContact, request, timeout)

    async def _set_preference(
        self,
        request: preference_pb2.SetPreferenceRequest,
        details: DecisionDetails | None,
        timeout: float | None,
    ) -> Preference:
        if details is not None:
            _preference_proto.set_details(request, details)
        response = await self._calls.unary(self._stub.SetPreference, request, timeout)
        return _preference_proto.preference_of_response(response)
