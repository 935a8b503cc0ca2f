"""PreferenceService: recipients' choices."""

from typing import Any

import grpc

from hushpost.v1 import preference_pb2 as pb
from hushpost.v1.preference_pb2_grpc import PreferenceServiceServicer
from hushpost_service.admin.auth import Caller
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import DoNotTrack, History
from hushpost_service.domain.roles import Role
from hushpost_service.domain.validation import (
    checked_batch,
    checked_contact_id,
    checked_page_size,
    checked_request_id,
)
from hushpost_service.preferences.service import EffectivePreference, Entry, Preferences, Proof
from hushpost_service.rpc.convert import member, optional_member, timestamp, wire
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import after, page_token
from hushpost_service.storage.contacts import ChangeEntry, Source
from hushpost_service.storage.receipts import Method

__all__ = ["PreferenceServicer"]

Context = grpc.aio.ServicerContext[Any, Any]


class PreferenceServicer(PreferenceServiceServicer):
    """Serves PreferenceService."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    async def SetPreference(
        self, request: pb.SetPreferenceRequest, context: Context
    ) -> pb.SetPreferenceResponse:
        """Set one preference."""
        caller = current_caller()
        tenant, contact_id, is_recipient = await self._contact(request, caller)
        entry = Entry(
            contact_id,
            member(DoNotTrack, request.do_not_track, "do_not_track"),
            optional_member(Source, request.source, "source")
            or (Source.RECIPIENT if is_recipient else Source.SENDER),
            request.evidence,
        )
        await self._preferences.set_many(
            tenant,
            [entry],
            optional_member(History, request.history, "history"),
            caller.actor,
            Method.SET_PREFERENCE,
            checked_request_id(request.request_id),
        )
        standing = await self._preferences.get(tenant, contact_id)
        named = "" if is_recipient else contact_id
        return pb.SetPreferenceResponse(preference=_preference(named, standing))

    async def GetPreference(
        self, request: pb.GetPreferenceRequest, context: Context
    ) -> pb.GetPreferenceResponse:
        """Look one preference up."""
        tenant, contact_id, is_recipient = await self._contact(request, current_caller())
        standing = await self._preferences.get(tenant, contact_id)
        named = "" if is_recipient else contact_id
        return pb.GetPreferenceResponse(preference=_preference(named, standing))

    async def BatchSetPreferences(
        self, request: pb.BatchSetPreferencesRequest, context: Context
    ) -> pb.BatchSetPreferencesResponse:
        """Set many preferences."""
        caller = current_caller()
        tenant = caller.tenant(request.tenant_id)
        checked_batch(request.entries, "entries")
        entries = [
            Entry(
                entry.contact_id,
                optional_member(DoNotTrack, entry.do_not_track, "do_not_track"),
                optional_member(Source, entry.source, "source") or Source.SENDER,
                entry.evidence,
            )
            for entry in request.entries
        ]
        outcome = await self._preferences.set_many(
            tenant,
            entries,
            optional_member(History, request.history, "history"),
            caller.actor,
            Method.BATCH_SET_PREFERENCES,
            checked_request_id(request.request_id),
        )
        return pb.BatchSetPreferencesResponse(
            created_count=outcome.created, changed_count=outcome.changed
        )

    async def ListPreferenceChanges(
        self, request: pb.ListPreferenceChangesRequest, context: Context
    ) -> pb.ListPreferenceChangesResponse:
        """List a part of the change log."""
        tenant = current_caller().tenant(request.tenant_id)
        size = checked_page_size(request.page_size)
        (start,) = after("changes", request.page_token) or (0,)
        found = await self._preferences.changes(tenant, request.contact_id or None, start, size + 1)
        page = found[:size]
        return pb.ListPreferenceChangesResponse(
            changes=[_change(entry) for entry in page],
            next_page_token=page_token("changes", page[-1].number) if found[size:] else "",
        )

    async def EraseContact(
        self, request: pb.EraseContactRequest, context: Context
    ) -> pb.EraseContactResponse:
        """Forget a contact."""
        tenant = current_caller().tenant(request.tenant_id)
        await self._preferences.erase(
            tenant,
            request.contact_id,
            optional_member(Proof, request.proof, "proof") or Proof.DELETE,
            checked_request_id(request.request_id),
        )
        return pb.EraseContactResponse()

    async def _contact(
        self, request: pb.SetPreferenceRequest | pb.GetPreferenceRequest, caller: Caller
    ) -> tuple[int, str, bool]:
        """Return (tenant, contact id, whether it was named by a preference token)."""
        caller.check_tenant(request.tenant_id)
        if caller.key.role is Role.EDGE and request.tenant_id:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "a preference token tells its tenant; tenant_id must be empty",
                {"field": "tenant_id"},
            )
        if request.HasField("preference_token"):
            token = request.preference_token
            return *await self._preferences.by_token(token, caller.key.tenant), True
        if caller.key.role is Role.EDGE:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "a key of role EDGE names contacts by preference_token",
                {"field": "preference_token"},
            )
        contact_id = checked_contact_id(request.contact_id)
        return caller.tenant(request.tenant_id), contact_id, False


def _preference(contact_id: str, standing: EffectivePreference) -> pb.Preference:
    return pb.Preference(
        contact_id=contact_id,
        do_not_track=wire(standing.do_not_track),
        mode=wire(standing.mode),
        update_time=timestamp(standing.since),
    )


def _change(entry: ChangeEntry) -> pb.PreferenceChange:
    return pb.PreferenceChange(
        contact_id=entry.contact_id,
        old_do_not_track=wire(entry.old),
        new_do_not_track=wire(entry.new),
        source=wire(entry.source),
        evidence=entry.evidence,
        actor=entry.actor,
        change_time=timestamp(entry.time),
    )
