"""Input that only a broken or hostile client sends: rejected, never an internal error."""

import base64
from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, privacy_pb2, tracking_pb2
from tests.inspection import Connection
from tests.rpc.scenario import (
    INSTALLATION,
    NOT_FOUND,
    Case,
    Scenario,
    check_rejected,
    parametrize_cases,
)
from tests.rpc.test_invalid_ids import INVALID_IDS
from tests.rpc.test_invalid_tokens import with_campaign
from tests.rpc.test_unknown_ids import CAMPAIGN_CALLS, CLOSED, TENANT_CALLS
from tests.wire import Wire


def _forged_page_token(kind: str, *numbers: int) -> str:
    return base64.urlsafe_b64encode(":".join((kind, *map(str, numbers))).encode()).decode()


def _cases() -> Iterator[Case]:
    for name, invalid in INVALID_IDS.items():
        request = preference_pb2.SetPreferenceRequest(
            contact_id=invalid, do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
        )
        yield Case(name, "SetPreference", request, "CONTACT_ID_INVALID")
    no_contact = preference_pb2.SetPreferenceRequest(do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE)
    yield Case("no contact at all", "SetPreference", no_contact, "CONTACT_ID_INVALID")
    nul, long_number = "a\x00b", "9" * 5000
    for method, call in CAMPAIGN_CALLS.items():
        yield Case("NUL", method, call(nul), "CAMPAIGN_NOT_FOUND", NOT_FOUND)
    for method, call in TENANT_CALLS.items():
        yield Case("NUL", method, call(nul), "TENANT_NOT_FOUND", NOT_FOUND, key=INSTALLATION)
    for number in (2**63, 2**64 - 1):
        yield Case(
            f"campaign {number}",
            "ResolveLink",
            lambda s, n=number: tracking_pb2.ResolveLinkRequest(  # type: ignore[misc] # the default's type is not inferred
                token=with_campaign(s.token, n), link_number=1
            ),
            "CAMPAIGN_NOT_FOUND",
            NOT_FOUND,
        )
    yield Case(
        "very long key id",
        "RevokeApiKey",
        admin_pb2.RevokeApiKeyRequest(key_id=long_number),
        "ID_INVALID",
        metadata={"field": "key_id"},
    )
    yield Case(
        "very long cursor",
        "WatchLinks",
        tracking_pb2.WatchLinksRequest(cursor=long_number),
        "CURSOR_INVALID",
    )
    yield Case(
        "cursor beyond the last revision",
        "WatchLinks",
        tracking_pb2.WatchLinksRequest(cursor=str(2**63 - 1)),
        "CURSOR_INVALID",
    )
    for numbers in ((2**63 - 1, 1), (-1, 1), (10**4000, 1), (1,)):
        yield Case(
            f"page of {len(numbers)} numbers, {str(numbers[0])[:20]}",
            "ListCampaigns",
            campaign_pb2.ListCampaignsRequest(page_token=_forged_page_token("campaigns", *numbers)),
            "PAGE_TOKEN_INVALID",
        )
    yield Case(
        "path longer than an error may be",
        "UpdatePolicy",
        admin_pb2.UpdatePolicyRequest(
            policy=admin_pb2.Policy(epsilon=1), update_mask=FieldMask(paths=["x" * 40_000])
        ),
        "UPDATE_MASK_INVALID",
        metadata={"field": "x" * 100},
    )
    yield Case(
        "unknown proof",
        "EraseContact",
        preference_pb2.EraseContactRequest(contact_id="bob", proof=9),  # type: ignore[arg-type]
        "FIELD_INVALID",
        metadata={"field": "proof"},
    )
    yield Case(
        "closed",
        "IssueTokens",
        campaign_pb2.IssueTokensRequest(campaign_id="closed", group_id="vip", contact_ids=["new"]),
        "CAMPAIGN_CLOSED",
        CLOSED,
    )


@parametrize_cases(_cases())
async def test_hostile_input_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """The call fails with the reason for its kind of input, never INTERNAL."""
    await check_rejected(scenario, wire, database, case)
