"""What ids, texts, times and numbers get that are out of range."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import (
    admin_pb2,
    campaign_pb2,
    preference_pb2,
    privacy_pb2,
    stats_pb2,
    tracking_pb2,
)
from tests.inspection import Connection
from tests.rpc.scene import EDGE, INSTALLATION, URL, Case, Request, Scene, check_refused, each
from tests.wire import Wire

TRUE = privacy_pb2.DO_NOT_TRACK_TRUE

BAD_IDS = {
    "empty": "",
    "129 bytes": "a" * 129,
    "129 bytes in fewer characters": "ä" * 64 + "a",
    "newline": "a\nb",
    "NUL": "a\x00b",
    "C1 control": "a\x85b",
    "line separator": "a\u2028b",
}

BAD_URLS = {
    "script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "mail": "mailto:ann@example.com",
    "file": "file:///etc/passwd",
    "FTP": "ftp://example.com/",
    "relative": "/sale",
    "without scheme": "//example.com/sale",
    "bare host": "example.com",
    "without host": "https:///sale",
    "port without host": "https://:443/",
    "space": "https://example.com/a b",
    "CRLF": "https://example.com/\r\nSet-Cookie: a=b",
    "tab in the host": "https://exa\tmple.com/",
    "NUL": "https://example.com/\x00",
    "wide space": "https://example.com/\u3000",
    "leading space": " https://example.com/",
    "9 kB": "https://example.com/" + "a" * 9000,
    "one byte too long": "https://example.com/" + "ä" * 4086 + "b",
    "port out of range": "https://example.com:99999/",
    "half a bracket": "https://[::1/",
    "empty": "",
}


def _link(url: str = URL, **fields: object) -> campaign_pb2.Link:
    return campaign_pb2.Link(url=url, **fields)  # type: ignore[arg-type]


def _campaign(**fields: object) -> Message:
    return campaign_pb2.CreateCampaignRequest(**{"campaign_id": "new", **fields})  # type: ignore[arg-type]


def _preference(**fields: object) -> Message:
    given = {"contact_id": "bob", "do_not_track": TRUE, **fields}
    return preference_pb2.SetPreferenceRequest(**given)  # type: ignore[arg-type]


def _contacts() -> Iterator[Case]:
    reason = "CONTACT_ID_INVALID"
    for name, bad in BAD_IDS.items():
        entries = [
            preference_pb2.PreferenceEntry(contact_id=contact, do_not_track=TRUE)
            for contact in ("new", "bob", bad)
        ]
        batch = preference_pb2.BatchSetPreferencesRequest(entries=entries)
        tokens = campaign_pb2.IssueTokensRequest(
            campaign_id="spring", group_id="vip", contact_ids=["new", bad]
        )
        get = preference_pb2.GetPreferenceRequest(contact_id=bad)
        erase = preference_pb2.EraseContactRequest(contact_id=bad)
        changes = preference_pb2.ListPreferenceChangesRequest(contact_id=bad)
        yield Case(name, "GetPreference", get, reason)
        yield Case(name, "EraseContact", erase, reason)
        yield Case(name, "BatchSetPreferences", batch, reason, metadata={"index": "2"})
        yield Case(name, "IssueTokens", tokens, reason, metadata={"index": "1"})
        if bad:  # empty: of all contacts
            yield Case(name, "ListPreferenceChanges", changes, reason)
    yield Case("no contact at all", "GetPreference", preference_pb2.GetPreferenceRequest(), reason)


def _ids() -> Iterator[Case]:
    reason, group = "ID_INVALID", {"field": "group_id"}
    for name, bad in BAD_IDS.items():
        groups = [campaign_pb2.Group(group_id="a"), campaign_pb2.Group(group_id=bad)]
        extension = campaign_pb2.ExtendCampaignRequest(campaign_id="spring", groups=groups)
        yield Case(
            f"group {name}", "CreateCampaign", _campaign(groups=groups), reason, metadata=group
        )
        yield Case(f"group {name}", "ExtendCampaign", extension, reason, metadata=group)
        if bad:  # empty: the authority makes one
            yield Case(
                f"campaign {name}",
                "CreateCampaign",
                _campaign(campaign_id=bad),
                reason,
                metadata={"field": "campaign_id"},
            )
    twice = [campaign_pb2.Group(group_id="a")] * 2
    yield Case("group twice", "CreateCampaign", _campaign(groups=twice), reason, metadata=group)
    for bad in ("", "Upper", "-first", "a b", "a" * 65, "ä", "a\x00"):
        yield Case(
            repr(bad),
            "CreateTenant",
            admin_pb2.CreateTenantRequest(tenant_id=bad),
            reason,
            metadata={"field": "tenant_id"},
            key=INSTALLATION,
        )
    for bad in ("", "abc", "-1", "1.5", "٣", "9" * 19):
        yield Case(
            repr(bad),
            "RevokeApiKey",
            admin_pb2.RevokeApiKeyRequest(key_id=bad),
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


def _links() -> Iterator[Case]:
    for name, bad in BAD_URLS.items():
        links = [_link(), _link(bad)]
        extension = campaign_pb2.ExtendCampaignRequest(campaign_id="spring", links=links)
        for method, request in {
            "CreateCampaign": _campaign(links=links),
            "ExtendCampaign": extension,
        }.items():
            yield Case(name, method, request, "LINK_URL_INVALID", metadata={"index": "1"})


_AHEAD: dict[str, Callable[[], Timestamp]] = {
    "six minutes ahead": lambda: _at(minutes=-6),
    "a century ahead": lambda: _at(days=-36500),
    "last second there is": lambda: Timestamp(seconds=253402300799),
    "after the last second there is": lambda: Timestamp(seconds=2**63 - 1),
}
_BEHIND: dict[str, Callable[[], Timestamp]] = {
    "31 days ago": lambda: _at(days=31),
    "1969": lambda: Timestamp(seconds=-1),
    "before the first second there is": lambda: Timestamp(seconds=-(2**63)),
}


def _at(**ago: float) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(datetime.now(UTC) - timedelta(**ago))
    return message


def _times() -> Iterator[Case]:
    def opened(time: Callable[[], Timestamp]) -> Request:
        return lambda s: tracking_pb2.RecordOpenRequest(token=s.token, open_time=time())

    def clicked(time: Callable[[], Timestamp]) -> Request:
        return lambda s: tracking_pb2.RecordClickRequest(
            token=s.token, link_number=1, click_time=time()
        )

    for reason, times in (("EVENT_TIME_IN_FUTURE", _AHEAD), ("EVENT_TIME_TOO_OLD", _BEHIND)):
        for name, time in times.items():
            yield Case(name, "RecordOpen", opened(time), reason)
            yield Case(name, "RecordClick", clicked(time), reason)


def _policies() -> Iterator[Case]:
    bad: dict[str, list[int]] = {
        "mode_when_true": [privacy_pb2.MODE_IDENTIFIED, 9, -1],
        "mode_when_unset": [9],
        "quorum": [-1, 1001],
        "history_when_true": [9],
        "retention_days": [-1, 3651],
    }
    for field, values in bad.items():
        for value in values:
            policy = admin_pb2.Policy(**{field: value})  # type: ignore[arg-type]
            update = admin_pb2.UpdatePolicyRequest(
                policy=policy, update_mask=FieldMask(paths=[field])
            )
            tenant = admin_pb2.CreateTenantRequest(tenant_id="new", policy=policy)
            for method, request, key in (
                ("UpdatePolicy", update, ""),
                ("CreateTenant", tenant, INSTALLATION),
            ):
                yield Case(
                    f"{field} {value}",
                    method,
                    request,
                    "FIELD_INVALID",
                    metadata={"field": field},
                    key=key,
                )
    masks = {
        "empty": ([], ""),
        "unknown field": (["quorum", "nonsense"], "nonsense"),
        "star": (["*"], "*"),
        "path": (["policy.quorum"], "policy.quorum"),
        "capital": (["Quorum"], "Quorum"),
    }
    for name, (mask, said) in masks.items():
        update = admin_pb2.UpdatePolicyRequest(
            policy=admin_pb2.Policy(quorum=5), update_mask=FieldMask(paths=mask)
        )
        yield Case(name, "UpdatePolicy", update, "UPDATE_MASK_INVALID", metadata={"field": said})


def _fields() -> Iterator[Case]:
    engaged = stats_pb2.ListEngagedContactsRequest
    cases: list[tuple[str, str, str, Request, str]] = [
        ("not given", "SetPreference", "do_not_track", _preference(do_not_track=0), ""),
        ("unknown", "SetPreference", "do_not_track", _preference(do_not_track=9), ""),
        ("unknown", "SetPreference", "source", _preference(source=9), ""),
        ("unknown", "SetPreference", "history", _preference(history=9), ""),
        ("1,025 bytes", "SetPreference", "evidence", _preference(evidence="ä" * 512 + "a"), ""),
        ("NUL", "SetPreference", "evidence", _preference(evidence="a\x00"), ""),
        ("by an edge", "SetPreference", "preference_token", _preference(), EDGE),
        (
            "by an edge",
            "GetPreference",
            "preference_token",
            preference_pb2.GetPreferenceRequest(contact_id="bob"),
            EDGE,
        ),
        ("given", "CreateCampaign", "link_number", _campaign(links=[_link(link_number=1)]), ""),
        ("129 bytes", "CreateCampaign", "label", _campaign(links=[_link(label="a" * 129)]), ""),
        ("257 bytes", "CreateCampaign", "display_name", _campaign(display_name="a" * 257), ""),
        ("NUL", "CreateCampaign", "display_name", _campaign(display_name="a\x00"), ""),
        (
            "257 bytes",
            "CreateTenant",
            "display_name",
            admin_pb2.CreateTenantRequest(tenant_id="new", display_name="a" * 257),
            INSTALLATION,
        ),
        (
            "257 bytes",
            "CreateApiKey",
            "display_name",
            admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_SENDER, display_name="a" * 257),
            "",
        ),
        ("not given", "CreateApiKey", "role", admin_pb2.CreateApiKeyRequest(), ""),
        ("unknown", "CreateApiKey", "role", admin_pb2.CreateApiKeyRequest(role=9), ""),  # type: ignore[arg-type]
        (
            "of an edge",
            "CreateApiKey",
            "tenant_id",
            lambda s: admin_pb2.CreateApiKeyRequest(
                tenant_id=s.tenant_id, role=admin_pb2.ROLE_EDGE
            ),
            INSTALLATION,
        ),
        (
            "of openers",
            "ListEngagedContacts",
            "link_number",
            engaged(campaign_id="spring", engagement=stats_pb2.ENGAGEMENT_OPENED, link_number=1),
            "",
        ),
        (
            "unknown",
            "ListEngagedContacts",
            "engagement",
            engaged(campaign_id="spring", engagement=9),  # type: ignore[arg-type]
            "",
        ),
    ]
    for name, method, field, request, key in cases:
        yield Case(
            f"{field} {name}", method, request, "FIELD_INVALID", metadata={"field": field}, key=key
        )


CASES = [*_contacts(), *_ids(), *_links(), *_times(), *_policies(), *_fields()]


@each(CASES)
async def test_a_field_out_of_range_is_refused(
    scene: Scene, wire: Wire, database: Connection, case: Case
) -> None:
    """A field that may not be so is named by its reason, and nothing of the call is written."""
    await check_refused(scene, wire, database, case)
