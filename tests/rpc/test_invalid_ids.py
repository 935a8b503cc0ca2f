"""Ids that are empty, too long or contain forbidden characters."""

from collections.abc import Iterator

from google.protobuf.message import Message

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, privacy_pb2
from tests.inspection import Connection
from tests.rpc.scenario import INSTALLATION, Case, Scenario, check_rejected, parametrize_cases
from tests.wire import Wire

TRUE = privacy_pb2.DO_NOT_TRACK_TRUE

INVALID_IDS = {
    "empty": "",
    "129 bytes": "a" * 129,
    "129 bytes in fewer characters": "ä" * 64 + "a",
    "newline": "a\nb",
    "NUL": "a\x00b",
    "C1 control": "a\x85b",
    "line separator": "a\u2028b",
}


def _campaign(**fields: object) -> Message:
    return campaign_pb2.CreateCampaignRequest(**{"campaign_id": "new", **fields})  # type: ignore[arg-type]


def _contact_ids() -> Iterator[Case]:
    reason = "CONTACT_ID_INVALID"
    for name, invalid in INVALID_IDS.items():
        entries = [
            preference_pb2.PreferenceEntry(contact_id=contact, do_not_track=TRUE)
            for contact in ("new", "bob", invalid)
        ]
        batch = preference_pb2.BatchSetPreferencesRequest(entries=entries)
        tokens = campaign_pb2.IssueTokensRequest(
            campaign_id="spring", group_id="vip", contact_ids=["new", invalid]
        )
        get = preference_pb2.GetPreferenceRequest(contact_id=invalid)
        get_many = preference_pb2.BatchGetPreferencesRequest(contact_ids=["new", invalid])
        erase = preference_pb2.EraseContactRequest(contact_id=invalid)
        changes = preference_pb2.ListPreferenceChangesRequest(contact_id=invalid)
        yield Case(name, "GetPreference", get, reason)
        yield Case(name, "BatchGetPreferences", get_many, reason, metadata={"index": "1"})
        yield Case(name, "EraseContact", erase, reason)
        yield Case(name, "BatchSetPreferences", batch, reason, metadata={"index": "2"})
        yield Case(name, "IssueTokens", tokens, reason, metadata={"index": "1"})
        preview = campaign_pb2.PreviewModesRequest(contact_ids=["new", invalid])
        yield Case(name, "PreviewModes", preview, reason, metadata={"index": "1"})
        if invalid:  # the empty id lists the changes of all contacts
            yield Case(name, "ListPreferenceChanges", changes, reason)
    yield Case("no contact at all", "GetPreference", preference_pb2.GetPreferenceRequest(), reason)


def _other_ids() -> Iterator[Case]:
    reason, group = "ID_INVALID", {"field": "group_id"}
    for name, invalid in INVALID_IDS.items():
        groups = [campaign_pb2.Group(group_id="a"), campaign_pb2.Group(group_id=invalid)]
        extension = campaign_pb2.ExtendCampaignRequest(campaign_id="spring", groups=groups)
        second = {**group, "index": "1"}
        yield Case(
            f"group {name}", "CreateCampaign", _campaign(groups=groups), reason, metadata=second
        )
        yield Case(f"group {name}", "ExtendCampaign", extension, reason, metadata=second)
        if invalid:  # for the empty id the authority generates one
            yield Case(
                f"campaign {name}",
                "CreateCampaign",
                _campaign(campaign_id=invalid),
                reason,
                metadata={"field": "campaign_id"},
            )
    duplicates = [campaign_pb2.Group(group_id="a")] * 2
    yield Case(
        "duplicate group", "CreateCampaign", _campaign(groups=duplicates), reason, metadata=group
    )
    for invalid in ("", "Upper", "-first", "a b", "a" * 65, "ä", "a\x00"):
        yield Case(
            repr(invalid),
            "CreateTenant",
            admin_pb2.CreateTenantRequest(tenant_id=invalid),
            reason,
            metadata={"field": "tenant_id"},
            key=INSTALLATION,
        )
    for invalid in ("", "abc", "-1", "1.5", "٣", "9" * 19):
        yield Case(
            repr(invalid),
            "RevokeApiKey",
            admin_pb2.RevokeApiKeyRequest(key_id=invalid),
            reason,
            metadata={"field": "key_id"},
        )
    sender = admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_SENDER)
    for method, request in {
        "CreateApiKey": sender,
        "GetTenant": admin_pb2.GetTenantRequest(),
    }.items():
        yield Case(
            "no tenant", method, request, reason, metadata={"field": "tenant_id"}, key=INSTALLATION
        )


@parametrize_cases([*_contact_ids(), *_other_ids()])
async def test_an_invalid_id_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """A call with an invalid id is rejected as a whole, and nothing is written."""
    await check_rejected(scenario, wire, database, case)
