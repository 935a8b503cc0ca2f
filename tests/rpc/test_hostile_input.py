"""Input that no honest client sends: it is refused as bad input, not met with a fault."""

import base64
from collections.abc import Iterator

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, privacy_pb2, tracking_pb2
from tests.inspection import Connection
from tests.rpc.scene import INSTALLATION, NOT_FOUND, Case, Scene, check_refused, each
from tests.rpc.test_bad_fields import BAD_IDS
from tests.rpc.test_bad_names import CLOSED, OF_CAMPAIGN, OF_TENANT
from tests.rpc.test_bad_tokens import with_campaign
from tests.wire import Wire


def _forged(kind: str, *numbers: int) -> str:
    return base64.urlsafe_b64encode(":".join((kind, *map(str, numbers))).encode()).decode()


def _cases() -> Iterator[Case]:
    for name, bad in BAD_IDS.items():
        named = preference_pb2.SetPreferenceRequest(
            contact_id=bad, do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
        )
        yield Case(name, "SetPreference", named, "CONTACT_ID_INVALID")
    nobody = preference_pb2.SetPreferenceRequest(do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE)
    yield Case("no contact at all", "SetPreference", nobody, "CONTACT_ID_INVALID")
    nul, endless = "a\x00b", "9" * 5000
    for method, of_campaign in OF_CAMPAIGN.items():
        yield Case("NUL", method, of_campaign(nul), "CAMPAIGN_NOT_FOUND", NOT_FOUND)
    for method, of_tenant in OF_TENANT.items():
        yield Case("NUL", method, of_tenant(nul), "TENANT_NOT_FOUND", NOT_FOUND, key=INSTALLATION)
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
        "endless key",
        "RevokeApiKey",
        admin_pb2.RevokeApiKeyRequest(key_id=endless),
        "ID_INVALID",
        metadata={"field": "key_id"},
    )
    yield Case(
        "endless cursor",
        "WatchLinks",
        tracking_pb2.WatchLinksRequest(cursor=endless),
        "CURSOR_INVALID",
    )
    yield Case(
        "cursor from nowhere",
        "WatchLinks",
        tracking_pb2.WatchLinksRequest(cursor=str(2**63 - 1)),
        "CURSOR_INVALID",
    )
    for numbers in ((2**63 - 1, 1), (-1, 1), (10**4000, 1), (1,)):
        yield Case(
            f"page of {len(numbers)} numbers, {str(numbers[0])[:20]}",
            "ListCampaigns",
            campaign_pb2.ListCampaignsRequest(page_token=_forged("campaigns", *numbers)),
            "PAGE_TOKEN_INVALID",
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


@each(_cases())
async def test_hostile_input_is_refused(
    scene: Scene, wire: Wire, database: Connection, case: Case
) -> None:
    """What only a broken or hostile client sends is refused for a reason, never INTERNAL."""
    await check_refused(scene, wire, database, case)
