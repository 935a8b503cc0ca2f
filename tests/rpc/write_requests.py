"""A request for each RPC that takes a request_id, and changes that make it another one."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from hushpost.v1 import (
    admin_pb2,
    branding_pb2,
    campaign_pb2,
    domain_pb2,
    preference_pb2,
    privacy_pb2,
    tracking_pb2,
)
from tests.images import PNG
from tests.mailing import GROUP, URLS

TRUE, FALSE = privacy_pb2.DO_NOT_TRACK_TRUE, privacy_pb2.DO_NOT_TRACK_FALSE
IMPORT = preference_pb2.PREFERENCE_SOURCE_IMPORT

DOMAINS = ("old.example.com", "older.example.com")
"""Tracking domains that the tenant has already."""

Change = Callable[[Any], object]
"""Changes a request in place."""


def _entry(contact: str) -> preference_pb2.PreferenceEntry:
    return preference_pb2.PreferenceEntry(contact_id=contact, do_not_track=FALSE)


def _link(number: int) -> campaign_pb2.Link:
    return campaign_pb2.Link(url=URLS[number], label=f"link {number}")


def _set(**values: object) -> Change:
    def change(request: Any) -> None:
        for field, value in values.items():
            setattr(request, field, value)

    return change


_MODES = admin_pb2.ConsentModes(
    when_unknown=privacy_pb2.MODE_IDENTIFIED,
    when_denied=privacy_pb2.MODE_ANONYMOUS,
    when_withdrawn=privacy_pb2.MODE_ANONYMOUS,
)


_BRANDING = branding_pb2.PageBranding(
    intro=[branding_pb2.LocalizedText(language="de", text="Hallo")]
)


def _policy(epsilon: float) -> dict[str, Any]:
    return {"policy": admin_pb2.Policy(epsilon=epsilon, branding=_BRANDING)}


_FULL_POLICY = admin_pb2.Policy(
    anonymization_enabled=True,
    mode_when_true=privacy_pb2.MODE_ANONYMOUS,
    mode_when_unset=privacy_pb2.MODE_IDENTIFIED,
    history_when_true=privacy_pb2.HISTORY_ANONYMIZE,
    retention_days=365,
    release=admin_pb2.RELEASE_NOISY,
    epsilon=0.3,
    release_delays=[Duration(seconds=1)],
    max_anonymous_messages=26,
    opens_modes=_MODES,
    clicks_modes=_MODES,
    reask_after_days=180,
    record_last_opens=False,
    branding=_BRANDING,
)
_POLICY_FIELDS = [field.name for field in admin_pb2.Policy.DESCRIPTOR.fields]


def _granted(request: Any) -> None:
    """Say the same as FALSE, by purpose."""
    request.ClearField("do_not_track")
    request.opens_consent = request.clicks_consent = privacy_pb2.CONSENT_GRANTED


def _opens_only(request: Any) -> None:
    request.ClearField("do_not_track")
    request.opens_consent = privacy_pb2.CONSENT_GRANTED


def _in_entry(change: Change, request: Any) -> None:
    change(request.entries[1])


DECISION_CHANGES: list[Change] = [
    _granted,
    _opens_only,
    lambda request: _set(source_id="call")(request.details),
    lambda request: _set(wording_version="2")(request.details),
    lambda request: _set(wording_language="fr")(request.details),
    lambda request: request.details.decision_time.FromSeconds(1_000_000_000),
]

REQUESTS: dict[str, Callable[[str], Message]] = {
    "RecordOpen": lambda token: tracking_pb2.RecordOpenRequest(token=token),
    "RecordClick": lambda token: tracking_pb2.RecordClickRequest(token=token, link_number=1),
    "RecordEvents": lambda token: tracking_pb2.RecordEventsRequest(
        events=[tracking_pb2.Event(token=token, link_number=number) for number in (0, 1, 2)]
    ),
    "SetPreference": lambda _: preference_pb2.SetPreferenceRequest(
        contact_id="ann", do_not_track=FALSE, evidence="form"
    ),
    "BatchSetPreferences": lambda _: preference_pb2.BatchSetPreferencesRequest(
        entries=[_entry("ann"), _entry("bob")]
    ),
    "EraseContact": lambda _: preference_pb2.EraseContactRequest(contact_id="ann"),
    "CreateCampaign": lambda _: campaign_pb2.CreateCampaignRequest(
        campaign_id="new", links=[_link(0)], groups=[campaign_pb2.Group(group_id="a")]
    ),
    "ExtendCampaign": lambda _: campaign_pb2.ExtendCampaignRequest(
        campaign_id="spring", links=[_link(0)], groups=[campaign_pb2.Group(group_id="a")]
    ),
    "IssueTokens": lambda _: campaign_pb2.IssueTokensRequest(
        campaign_id="spring", group_id=GROUP, contact_ids=["ann", "bob"]
    ),
    "CreateTenant": lambda _: admin_pb2.CreateTenantRequest(
        tenant_id=f"t-{uuid.uuid4().hex[:12]}", **_policy(0.3)
    ),
    "UpdatePolicy": lambda _: admin_pb2.UpdatePolicyRequest(
        policy=_FULL_POLICY, update_mask=FieldMask(paths=_POLICY_FIELDS)
    ),
    "CreateApiKey": lambda _: admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_SENDER),
    "AddTrackingDomain": lambda _: domain_pb2.AddTrackingDomainRequest(domain="new.example.com"),
    "RemoveTrackingDomain": lambda _: domain_pb2.RemoveTrackingDomainRequest(domain=DOMAINS[0]),
}
"""A request per RPC, built from the token of the contact "ann"."""


def _set_mode(purpose: str, consent: str, request: Any) -> None:
    setattr(getattr(request.policy, purpose), consent, privacy_pb2.MODE_OFF)


_POLICY_CHANGES: list[Change] = [
    lambda request: _set(epsilon=0.4)(request.policy),
    lambda request: _set(release=admin_pb2.RELEASE_EXACT)(request.policy),
    lambda request: request.policy.release_delays.add(seconds=9),
    lambda request: _set(mode_when_true=privacy_pb2.MODE_OFF)(request.policy),
    lambda request: _set(mode_when_unset=privacy_pb2.MODE_OFF)(request.policy),
    lambda request: _set(history_when_true=privacy_pb2.HISTORY_KEEP)(request.policy),
    lambda request: _set(retention_days=9)(request.policy),
    lambda request: _set(max_anonymous_messages=9)(request.policy),
    lambda request: _set(anonymization_enabled=False)(request.policy),
    lambda request: _set(reask_after_days=9)(request.policy),
    lambda request: _set(record_last_opens=True)(request.policy),
    lambda request: _set(accent_color="#123456")(request.policy.branding),
    lambda request: _set(logo=PNG)(request.policy.branding),
    lambda request: _set(imprint_url=URLS[0])(request.policy.branding),
    lambda request: _set(privacy_policy_url=URLS[0])(request.policy.branding),
    lambda request: _set(language="fr")(request.policy.branding.intro[0]),
    lambda request: _set(text="Servus")(request.policy.branding.intro[0]),
    lambda request: _set(default_language="de")(request.policy.branding),
    *(
        partial(_set_mode, purpose, consent)
        for purpose in ("opens_modes", "clicks_modes")
        for consent in ("when_unknown", "when_denied", "when_withdrawn")
    ),
]

CHANGES: dict[str, list[Change]] = {
    "RecordOpen": [
        _set(privacy_signal=True),
        _set(repeated=True),
        _set(verdict=privacy_pb2.VERDICT_HUMAN),
        lambda request: request.open_time.GetCurrentTime(),
    ],
    "RecordClick": [
        _set(link_number=2),
        _set(privacy_signal=True),
        _set(repeated=True),
        _set(verdict=privacy_pb2.VERDICT_HUMAN),
        lambda request: request.click_time.GetCurrentTime(),
    ],
    "RecordEvents": [
        lambda request: request.events.pop(),
        lambda request: request.events.append(request.events[0]),
        lambda request: request.events.reverse(),
        lambda request: _set(verdict=privacy_pb2.VERDICT_HUMAN)(request.events[1]),
        lambda request: _set(privacy_signal=True)(request.events[2]),
        lambda request: _set(repeated=True)(request.events[2]),
        lambda request: request.events[0].event_time.GetCurrentTime(),
    ],
    "SetPreference": [
        _set(contact_id="bob"),
        _set(do_not_track=TRUE),
        _set(source=IMPORT),
        _set(evidence="another form"),
        _set(history=privacy_pb2.HISTORY_KEEP),
        *DECISION_CHANGES,
    ],
    "BatchSetPreferences": [
        lambda request: request.entries.pop(),
        lambda request: request.entries.append(_entry("cid")),
        lambda request: _set(contact_id="cid")(request.entries[1]),
        lambda request: _set(do_not_track=TRUE)(request.entries[1]),
        lambda request: _set(evidence="x")(request.entries[1]),
        lambda request: _set(source=IMPORT)(request.entries[1]),
        lambda request: request.entries[1].ClearField("do_not_track"),
        *(partial(_in_entry, change) for change in DECISION_CHANGES),
        _set(history=privacy_pb2.HISTORY_KEEP),
        _set(overrule_recipients=True),
    ],
    "EraseContact": [
        _set(contact_id="bob"),
        _set(proof=preference_pb2.PROOF_PSEUDONYMIZE),
    ],
    "CreateCampaign": [
        _set(campaign_id="another"),
        _set(display_name="New"),
        _set(message_html="<p>New"),
        lambda request: request.links.append(_link(1)),
        lambda request: _set(url=URLS[1])(request.links[0]),
        lambda request: _set(label="other")(request.links[0]),
        lambda request: request.groups.add(group_id="b"),
        lambda request: _set(group_id="b")(request.groups[0]),
        lambda request: _set(expected_messages=100)(request.groups[0]),
        lambda request: _set(max_mode=privacy_pb2.MODE_AGGREGATE)(request.groups[0]),
        _set(max_mode=privacy_pb2.MODE_AGGREGATE),
    ],
    "ExtendCampaign": [
        _set(campaign_id="summer"),
        lambda request: request.links.append(_link(1)),
        lambda request: _set(url=URLS[1])(request.links[0]),
        lambda request: _set(label="other")(request.links[0]),
        lambda request: request.groups.pop(),
        lambda request: _set(group_id="b")(request.groups[0]),
        lambda request: _set(expected_messages=100)(request.groups[0]),
        lambda request: _set(max_mode=privacy_pb2.MODE_AGGREGATE)(request.groups[0]),
    ],
    "IssueTokens": [
        _set(campaign_id="summer"),
        _set(group_id="others"),
        lambda request: request.contact_ids.append("cid"),
        lambda request: request.contact_ids.pop(),
        lambda request: request.contact_ids.__setitem__(0, "dan"),
        _set(include_preference_tokens=True),
    ],
    "CreateTenant": [
        _set(tenant_id=f"t-{uuid.uuid4().hex[:12]}"),
        _set(display_name="Shop"),
        *_POLICY_CHANGES,
    ],
    "UpdatePolicy": [
        *_POLICY_CHANGES,
        lambda request: request.update_mask.paths.pop(),
    ],
    "CreateApiKey": [
        _set(role=admin_pb2.ROLE_REPORTER),
        lambda request: request.expire_time.FromSeconds(4_000_000_000),
        _set(display_name="another"),
    ],
    "AddTrackingDomain": [_set(domain="newer.example.com")],
    "RemoveTrackingDomain": [_set(domain=DOMAINS[1])],
}
"""Changes of each field that make a request another one."""

SAME: dict[str, list[Change]] = {
    "RecordOpen": [_set(verdict=privacy_pb2.VERDICT_UNSPECIFIED)],
    "SetPreference": [_set(source=preference_pb2.PREFERENCE_SOURCE_SENDER)],
    "BatchSetPreferences": [
        lambda request: _set(source=preference_pb2.PREFERENCE_SOURCE_SENDER)(request.entries[0]),
        lambda request: request.entries.insert(0, _entry("bob")),
    ],
    "EraseContact": [_set(proof=preference_pb2.PROOF_DELETE)],
    "CreateCampaign": [
        lambda request: _set(expected_messages=16_384)(request.groups[0]),
        lambda request: _set(max_mode=privacy_pb2.MODE_IDENTIFIED)(request.groups[0]),
        _set(max_mode=privacy_pb2.MODE_IDENTIFIED),
    ],
    "CreateTenant": [
        lambda request: _set(retention_days=365)(request.policy),
        lambda request: _set(mode_when_true=privacy_pb2.MODE_ANONYMOUS)(request.policy),
        lambda request: request.policy.opens_modes.CopyFrom(_MODES),
    ],
    "UpdatePolicy": [lambda request: request.update_mask.paths.reverse()],
    "AddTrackingDomain": [_set(domain="NEW.example.com.")],
}
"""Changes that mean the same, such as a default that is given or left out."""

KEYS = {"RecordOpen": "edge_key", "RecordClick": "edge_key", "RecordEvents": "edge_key"}
KEYS |= dict.fromkeys(
    ("CreateApiKey", "UpdatePolicy", "AddTrackingDomain", "RemoveTrackingDomain"), "admin_key"
)


NOT_CONTENT = {
    "request_id",
    "tenant_id",  # the scope of a request id, except in CreateTenant
    "preference_token",  # another way to name the contact
    "link_number",  # of links: it must be unset
    "token",  # has a test of its own
    "edge_tenant_ids",  # has a test of its own
    "issue_key",  # another way to get the same tokens
    "logo_media_type",  # is ignored
    "default_tracking_domain",  # has a test of its own, with a verified domain
    "validate_only",  # changes nothing, so its request id is not used
}
"""Fields that the changes above need not change."""


def changed(request: Message, change: Change) -> Any:
    """Return a changed copy of a request."""
    other = type(request)()
    other.CopyFrom(request)
    change(other)
    return other


def fields_of(descriptor: Descriptor, prefix: str = "") -> set[str]:
    """Return the paths of all fields of a message, without those of well-known types."""
    found = set()
    for field in descriptor.fields:
        path = f"{prefix}{field.name}"
        inner = field.message_type
        if inner is not None and inner.full_name.startswith("hushpost."):
            found |= fields_of(inner, f"{path}.")
        else:
            found.add(path)
    return found


def different_fields(one: Any, other: Any, prefix: str = "") -> set[str]:
    """Return the paths of the fields in which two messages differ."""
    found = set()
    for field in one.DESCRIPTOR.fields:
        path, inner = f"{prefix}{field.name}", field.message_type
        values = [getattr(message, field.name) for message in (one, other)]
        if inner is None or not inner.full_name.startswith("hushpost."):
            is_set = [field.has_presence and m.HasField(field.name) for m in (one, other)]
            if values[0] != values[1] or is_set[0] != is_set[1]:
                found.add(path)
            continue
        pairs = zip(*values, strict=False) if isinstance(values[0], Sequence) else [values]
        for first, second in pairs:
            found |= different_fields(first, second, f"{path}.")
    return found
