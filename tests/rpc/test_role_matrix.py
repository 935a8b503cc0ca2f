"""The role matrix: every RPC with every kind of key, for its own and for another tenant.

The RPCs come from the descriptors, what to expect from `RULES`. The service's own table of
roles is not consulted.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from hushpost.v1 import (
    admin_pb2,
    campaign_pb2,
    domain_pb2,
    preference_pb2,
    stats_pb2,
    tracking_pb2,
)
from hushpost.v1.errors_pb2 import ErrorReason
from hushpost.v1.privacy_pb2 import DO_NOT_TRACK_TRUE
from hushpost_client import Hushpost, Role
from hushpost_runtime.key_sealing import seal_key
from hushpost_service.admin.secret import new_secret
from hushpost_service.tokens.codec import tenant_of
from hushpost_service.tokens.keyring import Keyring
from hushpost_service.tokens.spool_keys import SpoolKeys
from tests.authority import AuthorityProcess
from tests.inspection import connected, contents, tenant_number
from tests.wire import METHODS, Wire, refused

SENDER, EDGE, REPORTER, ADMIN, INSTALLATION = KINDS = (
    "SENDER",
    "EDGE",
    "REPORTER",
    "ADMIN",
    "INSTALLATION",
)
"""The kinds of keys. EDGE keys are limited to one tenant; INSTALLATION is ADMIN without one."""

EXPIRES_SECONDS = 2

STATES = {
    "valid": "",
    "revoked": "API_KEY_REVOKED",
    "expired": "API_KEY_EXPIRED",
    "unknown": "API_KEY_INVALID",
    "missing": "API_KEY_MISSING",
}
"""The states of keys, and the reason of every call with such a key."""

OK = "OK"
OTHERS_LINKS = "no links of that tenant"


@dataclass(frozen=True)
class Subject:
    """What calls are about: a tenant and things that belong to it."""

    tenant_id: str
    token: str
    preference_token: str
    key_id: str
    campaign_number: int
    sealed_key: bytes
    issue_key: bytes


Build = Callable[[Subject, str], Message]
"""Returns a request about a subject, for a kind of key."""


@dataclass(frozen=True)
class Rule:
    """What to expect of calls of an RPC.

    Attributes:
        kinds: The kinds of keys that may make it.
        build: Makes a request that succeeds for the key's own tenant.
        own: The outcome for the key's own tenant.
        foreign: The outcome for another tenant.
        exceptions: Outcomes of a kind of key, for both tenants.
    """

    kinds: tuple[str, ...]
    build: Build
    own: str = OK
    foreign: str = "TENANT_NOT_ALLOWED"
    exceptions: Mapping[str, str] = field(default_factory=dict)

    def expected(self, kind: str, *, is_own: bool) -> str:
        """Return the outcome of a call with a valid key."""
        if kind not in self.kinds:
            return "ROLE_NOT_ALLOWED"
        if kind in self.exceptions:
            return self.exceptions[kind]
        # A key of the installation is for every tenant.
        return self.own if is_own or kind == INSTALLATION else self.foreign


def _contact(message: type[Any], subject: Subject, kind: str, **values: Any) -> Message:
    """Name a contact as keys of that kind do: edges know only its preference token."""
    request: Message = (
        message(preference_token=subject.preference_token, **values)
        if kind == EDGE
        else message(tenant_id=subject.tenant_id, contact_id="ann", **values)
    )
    return request


def _of_campaign(message: type[Any], campaign_id: str = "spring", **values: Any) -> Build:
    return lambda subject, _: message(
        tenant_id=subject.tenant_id, campaign_id=campaign_id, **values
    )


def _of_tenant(message: type[Any], **values: Any) -> Build:
    return lambda subject, _: message(tenant_id=subject.tenant_id, **values)


ADMINS = (ADMIN, INSTALLATION)
URL = "https://shop.example.com"

RULES: dict[str, Rule] = {
    "RecordOpen": Rule((EDGE,), lambda s, _: tracking_pb2.RecordOpenRequest(token=s.token)),
    "RecordClick": Rule(
        (EDGE,), lambda s, _: tracking_pb2.RecordClickRequest(token=s.token, link_number=1)
    ),
    "RecordEvents": Rule(
        (EDGE,),
        lambda s, _: tracking_pb2.RecordEventsRequest(events=[tracking_pb2.Event(token=s.token)]),
    ),
    "ResolveLink": Rule(
        (EDGE,), lambda s, _: tracking_pb2.ResolveLinkRequest(token=s.token, link_number=1)
    ),
    "WatchLinks": Rule(
        (EDGE,), lambda _, __: tracking_pb2.WatchLinksRequest(), foreign=OTHERS_LINKS
    ),
    "GetSpoolPublicKey": Rule(
        # It names no tenant.
        (EDGE,),
        lambda _, __: tracking_pb2.GetSpoolPublicKeyRequest(),
        foreign=OK,
    ),
    "OpenSpoolKey": Rule(
        (EDGE,), lambda s, _: tracking_pb2.OpenSpoolKeyRequest(sealed_key=s.sealed_key)
    ),
    "SetPreference": Rule(
        (SENDER, EDGE),
        lambda s, kind: _contact(
            preference_pb2.SetPreferenceRequest, s, kind, do_not_track=DO_NOT_TRACK_TRUE
        ),
    ),
    "GetPreference": Rule(
        (SENDER, EDGE), lambda s, kind: _contact(preference_pb2.GetPreferenceRequest, s, kind)
    ),
    "BatchGetPreferences": Rule(
        (SENDER,), _of_tenant(preference_pb2.BatchGetPreferencesRequest, contact_ids=["ann"])
    ),
    "ListContacts": Rule((SENDER,), _of_tenant(preference_pb2.ListContactsRequest)),
    "ListInactiveContacts": Rule(
        (SENDER,),
        _of_tenant(preference_pb2.ListInactiveContactsRequest, before={"seconds": 1}),
        own="LAST_OPENS_DISABLED",
    ),
    "BatchSetPreferences": Rule(
        (SENDER,),
        _of_tenant(
            preference_pb2.BatchSetPreferencesRequest,
            entries=[preference_pb2.PreferenceEntry(contact_id="bob")],
        ),
    ),
    "ListPreferenceChanges": Rule(
        (SENDER,), _of_tenant(preference_pb2.ListPreferenceChangesRequest)
    ),
    "EraseContact": Rule(
        (SENDER,), _of_tenant(preference_pb2.EraseContactRequest, contact_id="cid")
    ),
    "CreateCampaign": Rule(
        (SENDER,),
        lambda s, _: campaign_pb2.CreateCampaignRequest(
            tenant_id=s.tenant_id, campaign_id=uuid.uuid4().hex
        ),
    ),
    "ExtendCampaign": Rule(
        (SENDER,),
        _of_campaign(
            campaign_pb2.ExtendCampaignRequest, groups=[campaign_pb2.Group(group_id="vip")]
        ),
    ),
    "GetCampaign": Rule((SENDER, REPORTER), _of_campaign(campaign_pb2.GetCampaignRequest)),
    "GetCampaignMessage": Rule(
        (SENDER, REPORTER), _of_campaign(campaign_pb2.GetCampaignMessageRequest)
    ),
    "ListCampaigns": Rule((SENDER, REPORTER), _of_tenant(campaign_pb2.ListCampaignsRequest)),
    "CloseCampaign": Rule((SENDER,), _of_campaign(campaign_pb2.CloseCampaignRequest, "to close")),
    "IssueTokens": Rule(
        (SENDER,),
        lambda s, _: campaign_pb2.IssueTokensRequest(
            tenant_id=s.tenant_id,
            campaign_id="spring",
            group_id="vip",
            contact_ids=["ann"],
            issue_key=s.issue_key,
        ),
    ),
    "PreviewModes": Rule(
        (SENDER,),
        _of_campaign(campaign_pb2.PreviewModesRequest, group_id="vip", contact_ids=["ann"]),
    ),
    "GetCampaignStats": Rule((REPORTER,), _of_campaign(stats_pb2.GetCampaignStatsRequest)),
    "WatchCampaignStats": Rule((REPORTER,), _of_campaign(stats_pb2.WatchCampaignStatsRequest)),
    "ListGroupStats": Rule((REPORTER,), _of_campaign(stats_pb2.ListGroupStatsRequest)),
    "ListLinkStats": Rule((REPORTER,), _of_campaign(stats_pb2.ListLinkStatsRequest)),
    "ListEngagedContacts": Rule((REPORTER,), _of_campaign(stats_pb2.ListEngagedContactsRequest)),
    "CreateTenant": Rule(
        ADMINS,
        lambda _, __: admin_pb2.CreateTenantRequest(tenant_id=f"n-{uuid.uuid4().hex}"),
        exceptions={ADMIN: "TENANT_NOT_ALLOWED"},
    ),
    # It names no tenant; a key with a tenant lists its own.
    "ListTenants": Rule(ADMINS, lambda _, __: admin_pb2.ListTenantsRequest(), foreign=OK),
    "GetTenant": Rule(ADMINS, _of_tenant(admin_pb2.GetTenantRequest)),
    "UpdatePolicy": Rule(
        ADMINS,
        _of_tenant(
            admin_pb2.UpdatePolicyRequest,
            policy=admin_pb2.Policy(retention_days=99),
            update_mask={"paths": ["retention_days"]},
        ),
    ),
    "ListPolicyChanges": Rule(ADMINS, _of_tenant(admin_pb2.ListPolicyChangesRequest)),
    "CreateApiKey": Rule(
        ADMINS, _of_tenant(admin_pb2.CreateApiKeyRequest, role=admin_pb2.ROLE_SENDER)
    ),
    "ListApiKeys": Rule(ADMINS, _of_tenant(admin_pb2.ListApiKeysRequest)),
    "RevokeApiKey": Rule(
        ADMINS,
        lambda s, _: admin_pb2.RevokeApiKeyRequest(key_id=s.key_id),
        # As if it did not exist.
        foreign="API_KEY_NOT_FOUND",
    ),
    "AddTrackingDomain": Rule(
        ADMINS,
        lambda s, _: domain_pb2.AddTrackingDomainRequest(
            tenant_id=s.tenant_id, domain="links.example.com"
        ),
    ),
    "CheckTrackingDomain": Rule(
        ADMINS,
        _of_tenant(domain_pb2.CheckTrackingDomainRequest, domain="none.example.com"),
        own="DOMAIN_NOT_FOUND",
    ),
    "ListTrackingDomains": Rule(
        (*ADMINS, SENDER, EDGE),
        # Keys of role EDGE name no tenant.
        lambda s, kind: domain_pb2.ListTrackingDomainsRequest(
            tenant_id="" if kind == EDGE else s.tenant_id
        ),
        exceptions={EDGE: OK},
    ),
    "RemoveTrackingDomain": Rule(
        ADMINS,
        _of_tenant(domain_pb2.RemoveTrackingDomainRequest, domain="none.example.com"),
        own="DOMAIN_NOT_FOUND",
    ),
}


@dataclass(frozen=True)
class World:
    """An authority with two tenants, and keys of the first by kind and state."""

    wire: Wire
    process: AuthorityProcess
    own: Subject
    foreign: Subject
    keys: Mapping[tuple[str, str], str | None]

    async def outcome(self, method: str, kind: str, state: str, subject: Subject) -> str:
        """Make a call; return OK or a reason."""
        request = RULES[method].build(subject, kind)
        try:
            response = await self.wire.call(method, request, self.keys[kind, state])
        except grpc.aio.AioRpcError as error:
            return refused(error).reason
        if method == "RecordEvents" and response.rejected:
            return ErrorReason.Name(response.rejected[0].reason).removeprefix("ERROR_REASON_")
        if method == "WatchLinks":
            numbers = {link.campaign_number for link in response.links}
            return OK if subject.campaign_number in numbers else OTHERS_LINKS
        return OK

    async def contents(self) -> dict[str, tuple[int, str]]:
        """Return a digest of what the database has about the tenants."""
        async with connected(self.process.data_dir) as connection:
            numbers = [
                await tenant_number(connection, subject.tenant_id)
                for subject in (self.own, self.foreign)
            ]
            return await contents(connection, numbers)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An authority of its own, because refused calls from this machine are slowed down."""
    with AuthorityProcess(tmp_path_factory.mktemp("matrix")) as process:
        installation = process.admin_key()

        def client(key: str) -> Hushpost:
            return Hushpost.connect(process.target, api_key=key, tls=False)

        async with client(installation) as admin, Wire(process.target) as wire:
            seal = sealer(process)
            own, foreign = [
                await _subject(admin, client, seal, name) for name in ("own", "foreign")
            ]
            keys = await _keys(admin, own.tenant_id)
            keys[INSTALLATION, "valid"] = installation
            yield World(wire, process, own, foreign, keys)


def sealer(process: AuthorityProcess) -> Callable[[int], bytes]:
    """Return a function that seals the key of a spool for a tenant."""
    keys = SpoolKeys(Keyring.load(process.data_dir / "keyring.json"))
    return lambda tenant: seal_key(bytes(32), (tenant,), keys.key_id, keys.public_key)


async def _subject(
    admin: Hushpost,
    client: Callable[[str], Hushpost],
    seal: Callable[[int], bytes],
    tenant_id: str,
) -> Subject:
    await admin.admin.create_tenant(tenant_id)
    key = await admin.admin.create_api_key(Role.SENDER, tenant_id=tenant_id)
    spare = await admin.admin.create_api_key(Role.SENDER, tenant_id=tenant_id)
    assert key.secret
    async with client(key.secret) as sender:
        created = await sender.campaigns.create_campaign(
            "spring", links=[URL], groups=["vip"], message_html="<p>Spring"
        )
        await sender.campaigns.create_campaign("to close")
        issued = await sender.campaigns.issue_tokens(
            "spring", "vip", ["ann"], include_preference_tokens=True
        )
    token = issued.tokens[0]
    assert token.token
    assert token.preference_token
    assert created.issue_key
    return Subject(
        tenant_id,
        token.token,
        token.preference_token,
        spare.api_key.key_id,
        created.campaign_number,
        seal(tenant_of(created.campaign_number)),
        created.issue_key,
    )


async def _keys(admin: Hushpost, tenant_id: str) -> dict[tuple[str, str], str | None]:
    """Create a key of each kind in each state."""
    keys: dict[tuple[str, str], str | None] = {}
    for kind, state in product(KINDS, STATES):
        if state in ("unknown", "missing"):
            keys[kind, state] = new_secret() if state == "unknown" else None
            continue
        created = await admin.admin.create_api_key(
            Role.ADMIN if kind == INSTALLATION else Role(kind),
            tenant_id=tenant_id if kind in (SENDER, REPORTER, ADMIN) else None,
            edge_tenant_ids=[tenant_id] if kind == EDGE else (),
            expire_time=_soon() if state == "expired" else None,
        )
        keys[kind, state] = created.secret
        if state == "revoked":
            await admin.admin.revoke_api_key(created.api_key.key_id)
    await asyncio.sleep(EXPIRES_SECONDS)
    return keys


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=EXPIRES_SECONDS)


def test_every_rpc_has_a_rule() -> None:
    """An RPC that is added to the protos needs a rule, and with it, tests of its permissions."""
    assert RULES.keys() == METHODS.keys()


async def test_every_call_with_every_key(world: World) -> None:
    """Each combination has the expected outcome; calls that fail write nothing."""
    expected = {
        (method, kind, state, subject): reason
        or RULES[method].expected(kind, is_own=subject is world.own)
        for method, kind, (state, reason), subject in product(
            METHODS, KINDS, STATES.items(), (world.own, world.foreign)
        )
    }
    before = await world.contents()
    wrong = await _differences(world, {c: e for c, e in expected.items() if e != OK})
    assert not wrong
    assert await world.contents() == before
    wrong = await _differences(world, {c: e for c, e in expected.items() if e == OK})
    assert not wrong


Combination = tuple[str, str, str, Subject]


async def _differences(world: World, expected: Mapping[Combination, str]) -> dict[str, str]:
    """Make the calls at the same time; return those with another outcome than expected."""
    outcomes = await asyncio.gather(*(world.outcome(*combination) for combination in expected))
    return {
        f"{method} by {state} {kind} for {subject.tenant_id}": f"{outcome}, not {wanted}"
        for ((method, kind, state, subject), wanted), outcome in zip(
            expected.items(), outcomes, strict=True
        )
        if outcome != wanted
    }
