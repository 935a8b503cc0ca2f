"""Tracking preferences of contacts."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from uuid import UUID

from grpc.aio import Channel

from hushpost.v1 import preference_pb2
from hushpost.v1.preference_pb2_grpc import PreferenceServiceStub
from hushpost_client import _preference_proto
from hushpost_client._async.calls import Calls, request_id_or_new
from hushpost_client._enums import DoNotTrack, History, PreferenceSource, Proof
from hushpost_client._enums_proto import DO_NOT_TRACK, HISTORY, PREFERENCE_SOURCE, PROOF
from hushpost_client._preference_types import (
    BatchOutcome,
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
        do_not_track: DoNotTrack,
        *,
        source: PreferenceSource | None = None,
        evidence: str | None = None,
        history: History | None = None,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Preference:
        """Set a contact's preference and return it.

        Once a call with TRUE has returned, no row names what the contact did: past
        events are anonymized (unless `history` is KEEP), and events in flight are
        stored in the new mode.

        Args:
            contact_id: 1 to 128 bytes of UTF-8; created if unknown.
            do_not_track: The preference.
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
            source=PREFERENCE_SOURCE.to_wire(source),
            evidence=evidence or "",
            history=HISTORY.to_wire(history),
            request_id=request_id_or_new(request_id),
        )
        response = await self._calls.unary(self._stub.SetPreference, request, timeout)
        return _preference_proto.preference(response.preference)

    async def set_preference_by_token(
        self,
        preference_token: str,
        do_not_track: DoNotTrack,
        *,
        evidence: str | None = None,
        history: History | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Preference:
        """Set the preference of the contact that a preference token names.

        Like `set_preference`, except that it is logged with the source RECIPIENT and
        the result does not name the contact.

        Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, FIELD_INVALID, REQUEST_ID_INVALID,
        REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.SetPreferenceRequest(
            preference_token=preference_token,
            do_not_track=DO_NOT_TRACK.to_wire(do_not_track),
            evidence=evidence or "",
            history=HISTORY.to_wire(history),
            request_id=request_id_or_new(request_id),
        )
        response = await self._calls.unary(self._stub.SetPreference, request, timeout)
        return _preference_proto.preference(response.preference)

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
        return _preference_proto.preference(response.preference)

    async def get_preference_by_token(
        self, preference_token: str, *, timeout: float | None = None
    ) -> Preference:
        """Return the preference of the contact that a preference token names.

        The result does not name the contact.

        Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN.
        """
        request = preference_pb2.GetPreferenceRequest(preference_token=preference_token)
        response = await self._calls.unary(self._stub.GetPreference, request, timeout)
        return _preference_proto.preference(response.preference)

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
                decisions of the RECIPIENT: they are skipped and reported.
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
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[PreferenceChange, None]:
        """Iterate over the change log of one contact, or of all (None), oldest entry first.

        Pages are fetched on demand; `page_size` (default 100, at most 1,000) and
        `timeout` apply to each.

        Reasons: CONTACT_ID_INVALID, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> preference_pb2.ListPreferenceChangesResponse:
            request = preference_pb2.ListPreferenceChangesRequest(
                tenant_id=tenant_id or "",
                contact_id=contact_id or "",
                page_size=page_size or 0,
                page_token=page_token,
            )
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
