"""Preferences: what senders and preference pages call."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from uuid import UUID

from grpc.aio import Channel

from hushpost.v1 import preference_pb2
from hushpost.v1.preference_pb2_grpc import PreferenceServiceStub
from hushpost_client import _preference_proto
from hushpost_client._calls import Calls, request_id_or_new
from hushpost_client._preference_types import (
    BatchOutcome,
    Preference,
    PreferenceChange,
    PreferenceEntry,
)
from hushpost_client._words import DoNotTrack, History, PreferenceSource, Proof
from hushpost_client._words_proto import DO_NOT_TRACK, HISTORY, PREFERENCE_SOURCE, PROOF

__all__ = ["Preferences"]


class Preferences:
    """Keeps who may be tracked, and how that came about. For keys of role SENDER.

    Keys of role EDGE may make the calls by preference token. `tenant_id` may be
    empty: the key's tenant. Each write takes a `request_id`, a UUID that makes a
    repeated call count once, and makes one itself if it is None. `timeout` is in
    seconds, retries included; None for the client's. All methods raise
    `HushpostError`; the reasons to expect are listed, TENANT_NOT_ALLOWED aside.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = PreferenceServiceStub(channel)
        self._calls = calls

    async def set_preference(
        self,
        contact_id: str,
        do_not_track: DoNotTrack,
        *,
        source: PreferenceSource = PreferenceSource.UNSPECIFIED,
        evidence: str = "",
        history: History = History.UNSPECIFIED,
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Preference:
        """Set one contact's preference and answer it as it stands now.

        Once TRUE has been answered, no row names the contact's behaviour any
        more: not for events of the past (unless `history` is KEEP) and not for
        events that were on their way.

        Args:
            contact_id: 1 to 128 bytes of UTF-8; a new contact is created.
            do_not_track: UNSET, FALSE or TRUE.
            source: How it came about.
            evidence: What proves it, in the sender's words. At most 1,024 bytes.
            history: What becomes of the contact's earlier events.
            tenant_id: Empty: the key's.
            request_id: A UUID; None for a fresh one.
            timeout: Seconds, retries included; None for the client's.

        Reasons: CONTACT_ID_INVALID, FIELD_INVALID, REQUEST_ID_INVALID,
        DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.SetPreferenceRequest(
            tenant_id=tenant_id,
            contact_id=contact_id,
            do_not_track=DO_NOT_TRACK.number(do_not_track),
            source=PREFERENCE_SOURCE.number(source),
            evidence=evidence,
            history=HISTORY.number(history),
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.SetPreference, request, timeout)
        return _preference_proto.preference(answer.preference)

    async def set_preference_by_token(
        self,
        preference_token: str,
        do_not_track: DoNotTrack,
        *,
        source: PreferenceSource = PreferenceSource.UNSPECIFIED,
        evidence: str = "",
        history: History = History.UNSPECIFIED,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Preference:
        """Set the preference of whoever a preference page's token stands for.

        As `set_preference`; the answer does not name the contact.

        Reasons: TOKEN_INVALID, FIELD_INVALID, REQUEST_ID_INVALID,
        DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.SetPreferenceRequest(
            preference_token=preference_token,
            do_not_track=DO_NOT_TRACK.number(do_not_track),
            source=PREFERENCE_SOURCE.number(source),
            evidence=evidence,
            history=HISTORY.number(history),
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.SetPreference, request, timeout)
        return _preference_proto.preference(answer.preference)

    async def get_preference(
        self, contact_id: str, *, tenant_id: str = "", timeout: float | None = None
    ) -> Preference:
        """Answer one contact's preference; a contact never heard of is UNSET.

        Reasons: CONTACT_ID_INVALID.
        """
        request = preference_pb2.GetPreferenceRequest(tenant_id=tenant_id, contact_id=contact_id)
        answer = await self._calls.unary(self._stub.GetPreference, request, timeout)
        return _preference_proto.preference(answer.preference)

    async def get_preference_by_token(
        self, preference_token: str, *, timeout: float | None = None
    ) -> Preference:
        """Answer the preference of whoever a preference page's token stands for.

        Reasons: TOKEN_INVALID.
        """
        request = preference_pb2.GetPreferenceRequest(preference_token=preference_token)
        answer = await self._calls.unary(self._stub.GetPreference, request, timeout)
        return _preference_proto.preference(answer.preference)

    async def batch_set_preferences(
        self,
        entries: Iterable[PreferenceEntry],
        *,
        history: History = History.UNSPECIFIED,
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> BatchOutcome:
        """Set 1…10,000 preferences, all or none; a contact's last entry counts.

        Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata
        `index`), FIELD_INVALID, REQUEST_ID_INVALID, DATABASE_UNAVAILABLE.
        """
        request = _preference_proto.batch_request(
            entries, history, tenant_id, request_id_or_new(request_id)
        )
        answer = await self._calls.unary(self._stub.BatchSetPreferences, request, timeout)
        return BatchOutcome(answer.created_count, answer.changed_count)

    async def list_preference_changes(
        self,
        contact_id: str = "",
        *,
        page_size: int = 0,
        tenant_id: str = "",
        timeout: float | None = None,
    ) -> AsyncGenerator[PreferenceChange, None]:
        """Go through the changes of one contact, or of all, oldest first.

        Pages are fetched on the way: `page_size` (0 means 100, at most 1,000)
        and `timeout` are for each.

        Reasons: CONTACT_ID_INVALID, PAGE_SIZE_INVALID.
        """

        async def fetch(
            page_token: str,
        ) -> preference_pb2.ListPreferenceChangesResponse:
            request = preference_pb2.ListPreferenceChangesRequest(
                tenant_id=tenant_id,
                contact_id=contact_id,
                page_size=page_size,
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
        proof: Proof = Proof.UNSPECIFIED,
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Forget a contact; its change log is treated as `proof` says.

        Its events are folded into the anonymous counters. Erasing a contact that
        does not exist is OK.

        Reasons: CONTACT_ID_INVALID, REQUEST_ID_INVALID, DATABASE_UNAVAILABLE.
        """
        request = preference_pb2.EraseContactRequest(
            tenant_id=tenant_id,
            contact_id=contact_id,
            proof=PROOF.number(proof),
            request_id=request_id_or_new(request_id),
        )
        await self._calls.unary(self._stub.EraseContact, request, timeout)
