"""URLs, times, texts, enums and numbers that are out of range."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

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
from tests.rpc.scenario import (
    EDGE,
    INSTALLATION,
    URL,
    Case,
    Request,
    Scenario,
    check_rejected,
    parametrize_cases,
)
from tests.wire import Wire

TRUE = privacy_pb2.DO_NOT_TRACK_TRUE

INVALID_URLS = {
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


def _entry(**fields: object) -> Message:
    valid = preference_pb2.PreferenceEntry(contact_id="bob", do_not_track=TRUE)
    entry = preference_pb2.PreferenceEntry(contact_id="ann", do_not_track=TRUE, **fields)  # type: ignore[arg-type]
    return preference_pb2.BatchSetPreferencesRequest(entries=[valid, entry])


def _by_token(**fields: object) -> Request:
    return lambda s: preference_pb2.SetPreferenceRequest(
        preference_token=s.preference_token,
        do_not_track=TRUE,
        **fields,  # type: ignore[arg-type]
    )


def _links() -> Iterator[Case]:
    for name, invalid in INVALID_URLS.items():
        links = [_link(), _link(invalid)]
        extension = campaign_pb2.ExtendCampaignRequest(campaign_id="spring", links=links)
        for method, request in {
            "CreateCampaign": _campaign(links=links),
            "ExtendCampaign": extension,
        }.items():
            yield Case(name, method, request, "LINK_URL_INVALID", metadata={"index": "1"})


_TOO_LATE: dict[str, Callable[[], Timestamp]] = {
    "six minutes ahead": lambda: _ago(minutes=-6),
    "a century ahead": lambda: _ago(days=-36500),
    "last second of a Timestamp": lambda: Timestamp(seconds=253402300799),
    "after the last second of a Timestamp": lambda: Timestamp(seconds=2**63 - 1),
}
_TOO_EARLY: dict[str, Callable[[], Timestamp]] = {
    "31 days ago": lambda: _ago(days=31),
    "1969": lambda: Timestamp(seconds=-1),
    "before the first second of a Timestamp": lambda: Timestamp(seconds=-(2**63)),
}


def _ago(**duration: float) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(datetime.now(UTC) - timedelta(**duration))
    return message


def _times() -> Iterator[Case]:
    def record_open(time: Callable[[], Timestamp]) -> Request:
        return lambda s: tracking_pb2.RecordOpenRequest(token=s.token, open_time=time())

    def record_click(time: Callable[[], Timestamp]) -> Request:
        return lambda s: tracking_pb2.RecordClickRequest(
            token=s.token, link_number=1, click_time=time()
        )

    for reason, times in (("EVENT_TIME_IN_FUTURE", _TOO_LATE), ("EVENT_TIME_TOO_OLD", _TOO_EARLY)):
        for name, time in times.items():
            yield Case(name, "RecordOpen", record_open(time), reason)
            yield Case(name, "RecordClick", record_click(time), reason)


_LISTS: dict[str, Callable[..., Message]] = {
    "ListCampaigns": campaign_pb2.ListCampaignsRequest,
    "ListGroupStats": partial(stats_pb2.ListGroupStatsRequest, campaign_id="spring"),
    "ListLinkStats": partial(stats_pb2.ListLinkStatsRequest, campaign_id="spring"),
}


def _list_fields() -> Iterator[tuple[str, str, str, Request, str]]:
    for method, request in _LISTS.items():
        for order in ("nonsense", "sent descending", "create_time, sent", "sent desc desc", "\x00"):
            yield repr(order), method, "order_by", request(order_by=order), ""
        for name, text in (("NUL", "\x00"), ("257 bytes", "ä" * 128 + "a")):
            yield name, method, "filter", request(filter=text), ""
        yield "negative", method, "skip", request(skip=-1), ""
    for method, of_campaign in {
        "GetCampaignStats": stats_pb2.GetCampaignStatsRequest,
        "WatchCampaignStats": stats_pb2.WatchCampaignStatsRequest,
    }.items():
        yield "unknown", method, "view", of_campaign(campaign_id="spring", view=9), ""  # type: ignore[arg-type]
    for name, html in (("NUL", "<p>\x00"), ("1 MiB and a byte", "ä" * 2**19 + "a")):
        yield name, "CreateCampaign", "message_html", _campaign(message_html=html), ""


_INDEXES = {
    ("BatchSetPreferences", "source"): "1",
    ("CreateCampaign", "label"): "0",
    ("CreateCampaign", "link_number"): "0",
    ("ExtendCampaign", "max_mode"): "0",
}
"""The index that the error has if a field is that of an item of a list."""


def _fields() -> Iterator[Case]:
    engaged = stats_pb2.ListEngagedContactsRequest
    cases: list[tuple[str, str, str, Request, str]] = [
        ("unset", "SetPreference", "do_not_track", _preference(do_not_track=0), ""),
        ("unknown", "SetPreference", "do_not_track", _preference(do_not_track=9), ""),
        ("unknown", "SetPreference", "source", _preference(source=9), ""),
        ("RECIPIENT without a token", "SetPreference", "source", _preference(source=1), ""),
        ("RECIPIENT without a token", "BatchSetPreferences", "source", _entry(source=1), ""),
        ("SENDER with a token", "SetPreference", "source", _by_token(source=2), EDGE),
        ("IMPORT with a token", "SetPreference", "source", _by_token(source=3), ""),
        ("unknown", "SetPreference", "history", _preference(history=9), ""),
        ("1,025 bytes", "SetPreference", "evidence", _preference(evidence="ä" * 512 + "a"), ""),
        ("NUL", "SetPreference", "evidence", _preference(evidence="a\x00"), ""),
        ("with an EDGE key", "SetPreference", "preference_token", _preference(), EDGE),
        (
            "with an EDGE key",
            "GetPreference",
            "preference_token",
            preference_pb2.GetPreferenceRequest(contact_id="bob"),
            EDGE,
        ),
        ("set", "CreateCampaign", "link_number", _campaign(links=[_link(link_number=1)]), ""),
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
        ("unset", "CreateApiKey", "role", admin_pb2.CreateApiKeyRequest(), ""),
        ("unknown", "CreateApiKey", "role", admin_pb2.CreateApiKeyRequest(role=9), ""),  # type: ignore[arg-type]
        (
            "with role EDGE",
            "CreateApiKey",
            "tenant_id",
            lambda s: admin_pb2.CreateApiKeyRequest(
                tenant_id=s.tenant_id, role=admin_pb2.ROLE_EDGE
            ),
            INSTALLATION,
        ),
        ("unknown", "CreateCampaign", "max_mode", _campaign(max_mode=9), ""),
        (
            "unknown",
            "ExtendCampaign",
            "max_mode",
            campaign_pb2.ExtendCampaignRequest(
                campaign_id="spring",
                groups=[campaign_pb2.Group(group_id="new", max_mode=-1)],  # type: ignore[arg-type]
            ),
            "",
        ),
        (
            "without a campaign",
            "PreviewModes",
            "group_id",
            campaign_pb2.PreviewModesRequest(group_id="vip", contact_ids=["new"]),
            "",
        ),
        (
            "with engagement OPENED",
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
    cases += _list_fields()
    for name, method, field, request, key in cases:
        metadata = {"field": field}
        if (method, field) in _INDEXES:
            metadata["index"] = _INDEXES[method, field]
        yield Case(f"{field} {name}", method, request, "FIELD_INVALID", metadata=metadata, key=key)


@parametrize_cases([*_links(), *_times(), *_fields()])
async def test_an_invalid_field_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """A call with an invalid field is rejected as a whole, and nothing is written."""
    await check_rejected(scenario, wire, database, case)
