"""Ids that do not exist, are taken, or belong to another tenant; malformed request ids."""

import uuid
from collections.abc import Callable, Iterator

import grpc
from google.protobuf.message import Message

from hushpost.v1 import (
    admin_pb2,
    campaign_pb2,
    preference_pb2,
    privacy_pb2,
    stats_pb2,
    tracking_pb2,
)
from tests.inspection import Connection
from tests.rpc.scenario import (
    ADMIN,
    DENIED,
    INSTALLATION,
    NOT_FOUND,
    URL,
    Case,
    Request,
    Scenario,
    check_rejected,
    parametrize_cases,
)
from tests.wire import Wire

EXISTS = grpc.StatusCode.ALREADY_EXISTS
CLOSED = grpc.StatusCode.FAILED_PRECONDITION

LINKS = [campaign_pb2.Link(url=URL)]
RETENTION = {
    "policy": admin_pb2.Policy(retention_days=30),
    "update_mask": {"paths": ["retention_days"]},
}


def _tokens(campaign_id: str = "spring", group_id: str = "vip") -> campaign_pb2.IssueTokensRequest:
    return campaign_pb2.IssueTokensRequest(
        campaign_id=campaign_id, group_id=group_id, contact_ids=["new"]
    )


def _update(tenant_id: str = "") -> admin_pb2.UpdatePolicyRequest:
    return admin_pb2.UpdatePolicyRequest(tenant_id=tenant_id, **RETENTION)  # type: ignore[arg-type]


def _sender_key(tenant_id: str = "") -> admin_pb2.CreateApiKeyRequest:
    return admin_pb2.CreateApiKeyRequest(tenant_id=tenant_id, role=admin_pb2.ROLE_SENDER)


def _set() -> preference_pb2.SetPreferenceRequest:
    return preference_pb2.SetPreferenceRequest(
        contact_id="bob", do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
    )


def _batch_set() -> preference_pb2.BatchSetPreferencesRequest:
    entry = preference_pb2.PreferenceEntry(
        contact_id="bob", do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
    )
    return preference_pb2.BatchSetPreferencesRequest(entries=[entry])


CAMPAIGN_CALLS: dict[str, Callable[[str], Message]] = {
    "GetCampaign": lambda c: campaign_pb2.GetCampaignRequest(campaign_id=c),
    "CloseCampaign": lambda c: campaign_pb2.CloseCampaignRequest(campaign_id=c),
    "ExtendCampaign": lambda c: campaign_pb2.ExtendCampaignRequest(campaign_id=c, links=LINKS),
    "IssueTokens": _tokens,
    "GetCampaignMessage": lambda c: campaign_pb2.GetCampaignMessageRequest(campaign_id=c),
    "ListGroupStats": lambda c: stats_pb2.ListGroupStatsRequest(campaign_id=c),
    "ListLinkStats": lambda c: stats_pb2.ListLinkStatsRequest(campaign_id=c),
    "GetCampaignStats": lambda c: stats_pb2.GetCampaignStatsRequest(campaign_id=c),
    "ListEngagedContacts": lambda c: stats_pb2.ListEngagedContactsRequest(campaign_id=c),
}

TENANT_CALLS: dict[str, Callable[[str], Message]] = {
    "GetTenant": lambda t: admin_pb2.GetTenantRequest(tenant_id=t),
    "UpdatePolicy": _update,
    "ListPolicyChanges": lambda t: admin_pb2.ListPolicyChangesRequest(tenant_id=t),
    "CreateApiKey": _sender_key,
    "ListApiKeys": lambda t: admin_pb2.ListApiKeysRequest(tenant_id=t),
}


def _unknown() -> Iterator[Case]:
    for method, call in CAMPAIGN_CALLS.items():
        for name in ("", "nonsense", "Spring", "x" * 200, "a\nb"):
            yield Case(repr(name), method, call(name), "CAMPAIGN_NOT_FOUND", NOT_FOUND)
    for method, call in TENANT_CALLS.items():
        yield Case(
            "nonsense",
            method,
            call("nonsense"),
            "TENANT_NOT_FOUND",
            NOT_FOUND,
            key=INSTALLATION,
        )
    for name in ("", "nonsense", "VIP", "a\x00"):
        yield Case(repr(name), "IssueTokens", _tokens(group_id=name), "GROUP_NOT_FOUND", NOT_FOUND)
    revoke = admin_pb2.RevokeApiKeyRequest(key_id=str(2**62))
    yield Case("unknown key", "RevokeApiKey", revoke, "API_KEY_NOT_FOUND", NOT_FOUND)
    message = campaign_pb2.GetCampaignMessageRequest(campaign_id="spring")
    reason = "CAMPAIGN_MESSAGE_NOT_FOUND"
    yield Case("no message", "GetCampaignMessage", message, reason, NOT_FOUND)
    for link in (-1, 3):
        clicked = stats_pb2.ListEngagedContactsRequest(
            campaign_id="spring", engagement=stats_pb2.ENGAGEMENT_CLICKED, link_number=link
        )
        yield Case(f"link {link}", "ListEngagedContacts", clicked, "LINK_NOT_FOUND", NOT_FOUND)


def _taken() -> Iterator[Case]:
    request_id = str(uuid.uuid4())
    campaign = campaign_pb2.CreateCampaignRequest(campaign_id="spring", request_id=request_id)
    yield Case("taken", "CreateCampaign", campaign, "CAMPAIGN_ALREADY_EXISTS", EXISTS)
    yield Case(
        "taken",
        "CreateTenant",
        lambda s: admin_pb2.CreateTenantRequest(tenant_id=s.other_id, request_id=request_id),
        "TENANT_ALREADY_EXISTS",
        EXISTS,
        key=INSTALLATION,
    )
    links = campaign_pb2.ExtendCampaignRequest(campaign_id="closed", links=LINKS)
    yield Case("closed", "ExtendCampaign", links, "CAMPAIGN_CLOSED", CLOSED)


CALLS_WITH_TENANT_ID: dict[str, Callable[[], Message]] = {
    "SetPreference": _set,
    "GetPreference": lambda: preference_pb2.GetPreferenceRequest(contact_id="bob"),
    "BatchSetPreferences": _batch_set,
    "BatchGetPreferences": lambda: preference_pb2.BatchGetPreferencesRequest(contact_ids=["bob"]),
    "ListContacts": preference_pb2.ListContactsRequest,
    "ListInactiveContacts": preference_pb2.ListInactiveContactsRequest,
    "ListPreferenceChanges": preference_pb2.ListPreferenceChangesRequest,
    "EraseContact": lambda: preference_pb2.EraseContactRequest(contact_id="bob"),
    "CreateCampaign": lambda: campaign_pb2.CreateCampaignRequest(campaign_id="new"),
    "ListCampaigns": campaign_pb2.ListCampaignsRequest,
    **{method: lambda call=call: call("spring") for method, call in CAMPAIGN_CALLS.items()},  # type: ignore[misc] # the default's type is inferred from CAMPAIGN_CALLS
    **{method: lambda call=call: call("") for method, call in TENANT_CALLS.items()},  # type: ignore[misc] # as above
}


def _with_tenant_id(request: Message, tenant: Callable[[Scenario], str]) -> Request:
    def build(scenario: Scenario) -> Message:
        request.tenant_id = tenant(scenario)  # type: ignore[attr-defined] # all of these have it
        return request

    return build


def _other_tenant() -> Iterator[Case]:
    reason = "TENANT_NOT_ALLOWED"
    for method, request in CALLS_WITH_TENANT_ID.items():
        yield Case(
            "another tenant",
            method,
            _with_tenant_id(request(), lambda s: s.other_id),
            reason,
            DENIED,
        )
        yield Case(
            "unknown tenant",
            method,
            _with_tenant_id(request(), lambda _: "nonsense"),
            reason,
            DENIED,
        )
    edge = admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_EDGE)
    tenant = admin_pb2.CreateTenantRequest(tenant_id="new")
    yield Case("EDGE key by a tenant's admin", "CreateApiKey", edge, reason, DENIED, key=ADMIN)
    yield Case("by a tenant's admin", "CreateTenant", tenant, reason, DENIED, key=ADMIN)


def _with_request_id() -> dict[str, Callable[[Scenario], Message]]:
    return {
        "RecordOpen": lambda s: tracking_pb2.RecordOpenRequest(token=s.token),
        "RecordClick": lambda s: tracking_pb2.RecordClickRequest(token=s.token, link_number=1),
        "RecordEvents": lambda s: tracking_pb2.RecordEventsRequest(
            events=[tracking_pb2.Event(token=s.token)]
        ),
        "SetPreference": lambda _: _set(),
        "BatchSetPreferences": lambda _: _batch_set(),
        "EraseContact": lambda _: preference_pb2.EraseContactRequest(contact_id="bob"),
        "CreateCampaign": lambda _: campaign_pb2.CreateCampaignRequest(campaign_id="new"),
        "ExtendCampaign": lambda _: CAMPAIGN_CALLS["ExtendCampaign"]("spring"),
        "IssueTokens": lambda _: _tokens(),
        "CreateTenant": lambda _: admin_pb2.CreateTenantRequest(tenant_id="new"),
        "UpdatePolicy": lambda _: _update(),
        "CreateApiKey": lambda _: _sender_key(),
    }


def _request_ids() -> Iterator[Case]:
    for method, request in _with_request_id().items():
        nil, last = str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1))
        for malformed in ("nonsense", str(uuid.UUID(int=7))[:-1], " ", "\x00", nil, last):

            def build(
                scenario: Scenario,
                make: Callable[[Scenario], Message] = request,
                malformed: str = malformed,
            ) -> Message:
                message = make(scenario)
                message.request_id = malformed  # type: ignore[attr-defined] # all of these have it
                return message

            key = INSTALLATION if method == "CreateTenant" else ""
            yield Case(f"request id {malformed!r}", method, build, "REQUEST_ID_INVALID", key=key)


@parametrize_cases([*_unknown(), *_taken(), *_other_tenant(), *_request_ids()])
async def test_an_unknown_or_taken_id_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """A call with such an id fails with the reason for its kind, and nothing is written."""
    await check_rejected(scenario, wire, database, case)
