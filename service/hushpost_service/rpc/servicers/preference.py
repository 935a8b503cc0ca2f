"""PreferenceService: recipients' preferences."""

from typing import Any

import grpc

from hushpost.v1 import preference_pb2 as pb
from hushpost.v1.preference_pb2_grpc import PreferenceServiceServicer
from hushpost_service.admin.caller import Caller
from hushpost_service.domain.consent import ByPurpose, Consent, DoNotTrack
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import History
from hushpost_service.domain.roles import Role
from hushpost_service.domain.validation import (
    checked_batch,
    checked_contact_id,
    checked_page_size,
    checked_request_id,
    converted,
)
from hushpost_service.preferences.entries import PreferenceEntry
from hushpost_service.preferences.erasing import ContactEraser, Proof
from hushpost_service.preferences.reading import PreferenceReader
from hushpost_service.preferences.setting import PreferenceSetter
from hushpost_service.rpc.convert import optional_enum_member, optional_time
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import id_page_start, id_page_token, page_start, page_token
from hushpost_service.rpc.servicers.preference_messages import (
    change_message,
    contact_filter,
    details,
    given_consents,
    preference_message,
    recipient_view_message,
)
from hushpost_service.storage.preference_log import ChangeFilter, Source
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import preference_tenant_of

__all__ = ["PreferenceServicer"]

Context = grpc.aio.ServicerContext[Any, Any]


class PreferenceServicer(PreferenceServiceServicer):
    """Serves PreferenceService."""

    def __init__(
        self, setter: PreferenceSetter, reader: PreferenceReader, eraser: ContactEraser
    ) -> None:
        self._setter = setter
        self._reader = reader
        self._eraser = eraser

    async def SetPreference(
        self, request: pb.SetPreferenceRequest, context: Context
    ) -> pb.SetPreferenceResponse:
        """Set the preference of one contact."""
        caller = current_caller()
        tenant, contact_id, is_by_token = await self._contact(request, caller)
        entry = PreferenceEntry(
            contact_id,
            _required_consents(request),
            _source(request.source, is_by_token=is_by_token),
            request.evidence,
            details(request),
        )
        await self._setter.set_preferences(
            tenant,
            [entry],
            history=optional_enum_member(History, request.history, "history"),
            actor=caller.actor,
            method=Method.SET_PREFERENCE,
            request=checked_request_id(request.request_id),
        )
        preference, view = await self._read(tenant, contact_id, is_by_token=is_by_token)
        return pb.SetPreferenceResponse(preference=preference, recipient_view=view)

    async def GetPreference(
        self, request: pb.GetPreferenceRequest, context: Context
    ) -> pb.GetPreferenceResponse:
        """Return the preference of one contact."""
        tenant, contact_id, is_by_token = await self._contact(request, current_caller())
        preference, view = await self._read(tenant, contact_id, is_by_token=is_by_token)
        return pb.GetPreferenceResponse(preference=preference, recipient_view=view)

    async def BatchGetPreferences(
        self, request: pb.BatchGetPreferencesRequest, context: Context
    ) -> pb.BatchGetPreferencesResponse:
        """Return the preferences of many contacts."""
        tenant = current_caller().tenant(request.tenant_id)
        found = await self._reader.get_many(tenant, request.contact_ids)
        return pb.BatchGetPreferencesResponse(
            preferences=[preference_message(preference) for preference in found]
        )

    async def BatchSetPreferences(
        self, request: pb.BatchSetPreferencesRequest, context: Context
    ) -> pb.BatchSetPreferencesResponse:
        """Set the preferences of many contacts, all or none."""
        caller = current_caller()
        tenant = caller.tenant(request.tenant_id)
        checked_batch(request.entries, "entries")
        entries = converted(request.entries, _entry)
        history = optional_enum_member(History, request.history, "history")
        request_id = checked_request_id(request.request_id)
        if request.validate_only:
            outcome = await self._setter.preview(
                tenant, entries, overrule_recipients=request.overrule_recipients
            )
        else:
            outcome = await self._setter.set_preferences(
                tenant,
                entries,
                history=history,
                actor=caller.actor,
                method=Method.BATCH_SET_PREFERENCES,
                request=request_id,
                overrule_recipients=request.overrule_recipients,
            )
        return pb.BatchSetPreferencesResponse(
            created_count=outcome.created,
            changed_count=outcome.changed,
            loosened_count=outcome.loosened,
            tightened_count=outcome.tightened,
            protected_indexes=outcome.protected,
        )

    async def ListContacts(
        self, request: pb.ListContactsRequest, context: Context
    ) -> pb.ListContactsResponse:
        """Return a page of contacts."""
        tenant = current_caller().tenant(request.tenant_id)
        page = await self._reader.list_contacts(
            tenant,
            contact_filter(request),
            may_be_asked=request.may_be_asked,
            after=id_page_start("contacts", request.page_token),
            limit=checked_page_size(request.page_size),
        )
        return pb.ListContactsResponse(
            contacts=[preference_message(preference) for preference in page.items],
            next_page_token="" if page.next is None else id_page_token("contacts", page.next),
        )

    async def ListInactiveContacts(
        self, request: pb.ListInactiveContactsRequest, context: Context
    ) -> pb.ListInactiveContactsResponse:
        """Return a page of contacts that have not opened a message since a day."""
        tenant = current_caller().tenant(request.tenant_id)
        before = optional_time(request, "before")
        if before is None:
            raise HushpostError(Reason.FIELD_INVALID, "before is required", {"field": "before"})
        (start,) = page_start("inactive", request.page_token) or (0,)
        page = await self._reader.list_inactive(
            tenant, before.date(), after=start, limit=checked_page_size(request.page_size)
        )
        return pb.ListInactiveContactsResponse(
            contact_ids=page.items,
            next_page_token="" if page.next is None else page_token("inactive", page.next),
        )

    async def ListPreferenceChanges(
        self, request: pb.ListPreferenceChangesRequest, context: Context
    ) -> pb.ListPreferenceChangesResponse:
        """Return a page of the change log."""
        tenant = current_caller().tenant(request.tenant_id)
        size = checked_page_size(request.page_size)
        (start,) = page_start("changes", request.page_token) or (0,)
        wanted = ChangeFilter(
            contact_id=request.contact_id or None,
            source=optional_enum_member(Source, request.source, "source"),
            start=optional_time(request, "start_time"),
            end=optional_time(request, "end_time"),
        )
        page = await self._reader.list_changes(tenant, wanted, start, size)
        return pb.ListPreferenceChangesResponse(
            changes=[change_message(change) for change in page.items],
            next_page_token="" if page.next is None else page_token("changes", page.next),
        )

    async def EraseContact(
        self, request: pb.EraseContactRequest, context: Context
    ) -> pb.EraseContactResponse:
        """Delete a contact and anonymize its events."""
        tenant = current_caller().tenant(request.tenant_id)
        await self._eraser.erase(
            tenant,
            request.contact_id,
            optional_enum_member(Proof, request.proof, "proof") or Proof.DELETE,
            checked_request_id(request.request_id),
        )
        return pb.EraseContactResponse()

    async def _read(
        self, tenant: int, contact_id: str, *, is_by_token: bool
    ) -> tuple[pb.Preference, pb.RecipientView | None]:
        """Return a preference; if a token named the contact, with the view and without the id."""
        preference = await self._reader.get(tenant, contact_id)
        if not is_by_token:
            return preference_message(preference), None
        view = await self._reader.recipient_view(tenant, preference)
        return preference_message(preference, with_id=False), recipient_view_message(view)

    async def _contact(
        self, request: pb.SetPreferenceRequest | pb.GetPreferenceRequest, caller: Caller
    ) -> tuple[int, str, bool]:
        """Return (tenant, contact id, whether a preference token identified the contact)."""
        caller.check_tenant(request.tenant_id)
        if caller.key.role is Role.EDGE and request.tenant_id:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "tenant_id must be empty: the preference token contains the tenant",
                {"field": "tenant_id"},
            )
        if request.HasField("preference_token"):
            token = request.preference_token
            if caller.edge_tenants is not None:
                # Before the token is opened, so that the answer does not tell whether it is
                # genuine.
                caller.check_edge_tenant(preference_tenant_of(token))
            return *await self._reader.contact_of_token(token, caller.key.tenant), True
        if caller.key.role is Role.EDGE:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "preference_token is required for keys of role EDGE",
                {"field": "preference_token"},
            )
        contact_id = checked_contact_id(request.contact_id)
        return caller.tenant(request.tenant_id), contact_id, False


def _entry(message: pb.PreferenceEntry) -> PreferenceEntry:
    return PreferenceEntry(
        message.contact_id,
        given_consents(message),
        _source(message.source, is_by_token=False),
        message.evidence,
        details(message),
    )


def _source(number: int, *, is_by_token: bool) -> Source:
    """Return the source to log: RECIPIENT if, and only if, the call has a preference token.

    Raises FIELD_INVALID if the request says otherwise.
    """
    source = optional_enum_member(Source, number, "source")
    if is_by_token:
        if source not in (None, Source.RECIPIENT):
            raise HushpostError(
                Reason.FIELD_INVALID,
                "source must be RECIPIENT or unset with a preference token",
                {"field": "source"},
            )
        return Source.RECIPIENT
    if source is Source.RECIPIENT:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "source RECIPIENT requires a preference token; "
            "use SENDER, with evidence, for a decision that reached the sender another way",
            {"field": "source"},
        )
    return source or Source.SENDER


def _required_consents(request: pb.SetPreferenceRequest) -> DoNotTrack | ByPurpose[Consent | None]:
    """Return what a request sets. Raises FIELD_INVALID if that is nothing."""
    consents = given_consents(request)
    if consents is None:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "do_not_track must be UNSET, FALSE or TRUE, unless consent is given by purpose",
            {"field": "do_not_track"},
        )
    return consents
