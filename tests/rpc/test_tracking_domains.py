"""Tracking domains: registered by tenants, verified by a TXT record, unique once verified."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from hushpost_client import (
    ErrorReason,
    Hushpost,
    HushpostError,
    PolicyUpdate,
    ResourceExhaustedError,
    Role,
    TrackingDomain,
)
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.dns_server import DnsServer, dns_server
from tests.inspection import connected

EDGE_HOST = "edge.hushpost.example"


@dataclass
class World:
    """An authority that looks names up in a DNS server of the tests, and two tenants."""

    authority: RunningAuthority
    dns: DnsServer
    ann: Hushpost
    bob: Hushpost
    ann_keys: TenantKeys
    stack: AsyncExitStack

    def publish(self, domain: TrackingDomain) -> None:
        """Create the TXT record of a domain."""
        (text,) = [record for record in domain.dns_records if record.type == "TXT"]
        self.dns.texts[text.name].append(text.value)

    def unpublish(self, domain: TrackingDomain) -> None:
        """Remove the TXT record again."""
        (text,) = [record for record in domain.dns_records if record.type == "TXT"]
        self.dns.texts[text.name].remove(text.value)

    async def verified(self, owner: Hushpost, name: str) -> TrackingDomain:
        """Register and verify a domain."""
        domain = await owner.domains.add_tracking_domain(name)
        self.publish(domain)
        return await owner.domains.check_tracking_domain(name)

    async def client(self, key: str) -> Hushpost:
        """Return a client with a key, open until the end of the tests."""
        return await self.stack.enter_async_context(self.authority.client(key))


@pytest.fixture(scope="module")
async def dns() -> AsyncIterator[DnsServer]:
    """The DNS."""
    async with dns_server() as server:
        yield server


@pytest.fixture(scope="module")
def own_authority(
    dns: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAuthority]:
    """An authority that uses this DNS."""
    options = ("--dns-server", dns.address, "--edge-host", EDGE_HOST)
    with AuthorityProcess(tmp_path_factory.mktemp("domains"), *options) as process:
        yield RunningAuthority.of(process)


@pytest.fixture
async def world(own_authority: RunningAuthority, dns: DnsServer) -> AsyncIterator[World]:
    """The authority with two new tenants."""
    keys = [await make_tenant(own_authority) for _ in range(2)]
    async with AsyncExitStack() as stack:
        ann, bob = [
            await stack.enter_async_context(own_authority.client(each.admin_key)) for each in keys
        ]
        yield World(own_authority, dns, ann, bob, keys[0], stack)


@pytest.fixture
def name() -> str:
    """A new name."""
    return f"links.n-{uuid.uuid4().hex[:12]}.example"


async def reason_of(call: object) -> tuple[ErrorReason | None, str]:
    """Return the reason of a call that must fail, and the cause in its metadata."""
    with pytest.raises(HushpostError) as caught:
        await call  # type: ignore[misc] # a coroutine
    return caught.value.reason, caught.value.metadata.get("cause", "")


async def names(client: Hushpost, tenant_id: str | None = None) -> set[str]:
    """Return the names of the domains that a client lists, one per page."""
    listed = client.domains.list_tracking_domains(page_size=1, tenant_id=tenant_id)
    return {domain.domain async for domain in listed}


async def test_a_domain_is_verified_by_its_txt_record(world: World, name: str) -> None:
    """A registration is pending until the TXT record that it returned exists."""
    added = await world.ann.domains.add_tracking_domain(name)
    assert added.verify_time is None
    assert [(record.name, record.type) for record in added.dns_records] == [
        (f"_hushpost.{name}", "TXT"),
        (name, "CNAME"),
    ]
    assert added.dns_records[1].value == EDGE_HOST
    check = world.ann.domains.check_tracking_domain
    assert await reason_of(check(name)) == (ErrorReason.DOMAIN_NOT_VERIFIED, "NO_RECORD")
    world.dns.texts[f"_hushpost.{name}"] += ["v=spf1 -all", f"{added.dns_records[0].value}0"]
    assert await reason_of(check(name)) == (ErrorReason.DOMAIN_NOT_VERIFIED, "OTHER_RECORDS")
    world.publish(added)
    verified = await check(name)
    assert verified.verify_time is not None
    queries = len(world.dns.queries)
    assert await check(name) == verified
    assert len(world.dns.queries) == queries, "a verified domain is not looked up"


async def test_spellings_of_a_name_are_one_domain(world: World, name: str) -> None:
    """Case, a dot at the end and Unicode make no other domain."""
    added = await world.ann.domains.add_tracking_domain(f"büro.{name}")
    assert added.domain == f"xn--bro-hoa.{name}"
    for twin in (f"BÜRO.{name}", f"xn--bro-hoa.{name}.", f"XN--BRO-HOA.{name.upper()}"):
        assert await world.ann.domains.add_tracking_domain(twin) == added
    await world.ann.domains.remove_tracking_domain(f"Büro.{name}.")
    assert added.domain not in await names(world.ann)


async def test_a_verified_domain_of_another_tenant_is_taken(world: World, name: str) -> None:
    """Neither a registration nor the record of the other tenant gets the domain."""
    await world.verified(world.ann, name)
    own = await world.bob.domains.add_tracking_domain(name.upper())
    assert own.verify_time is None
    check = world.bob.domains.check_tracking_domain
    # Ann's record does not verify it for Bob.
    assert await reason_of(check(name)) == (ErrorReason.DOMAIN_NOT_VERIFIED, "OTHER_RECORDS")
    world.publish(own)
    assert await reason_of(check(name)) == (ErrorReason.DOMAIN_TAKEN, "")
    assert name in await names(await world.client(world.ann_keys.sender_key))


async def test_a_pending_domain_blocks_no_other_tenant(world: World, name: str) -> None:
    """The tenant that proves it first gets a name, not the one that registers it first."""
    await world.bob.domains.add_tracking_domain(name)
    assert (await world.verified(world.ann, name)).verify_time is not None


async def test_a_name_that_changes_hands_is_verified_for_the_new_owner(
    world: World, name: str
) -> None:
    """A verified domain whose record is gone does not keep the name from its new owner."""
    old = await world.verified(world.ann, name)
    world.unpublish(old)
    assert (await world.verified(world.bob, name)).verify_time is not None
    listed = [each async for each in world.ann.domains.list_tracking_domains()]
    assert [each.verify_time for each in listed if each.domain == name] == [None]
    assert (await reason_of(world.ann.domains.check_tracking_domain(name)))[1] == "OTHER_RECORDS"


async def test_of_two_tenants_that_prove_a_name_at_once_one_gets_it(
    world: World, name: str
) -> None:
    """Concurrent checks verify a name for one tenant."""
    for owner in (world.ann, world.bob):
        world.publish(await owner.domains.add_tracking_domain(name))
    checks = [owner.domains.check_tracking_domain(name) for owner in (world.ann, world.bob)]
    results = await asyncio.gather(*checks, return_exceptions=True)
    errors = [result for result in results if isinstance(result, HushpostError)]
    assert [error.reason for error in errors] == [ErrorReason.DOMAIN_TAKEN]


async def test_a_removed_domain_needs_a_new_record(world: World, name: str) -> None:
    """A domain that is registered again is pending, and its record is another one."""
    old = await world.verified(world.ann, name)
    await world.ann.domains.remove_tracking_domain(name)
    gone = (ErrorReason.DOMAIN_NOT_FOUND, "")
    assert await reason_of(world.ann.domains.remove_tracking_domain(name)) == gone
    assert await reason_of(world.ann.domains.check_tracking_domain(name)) == gone
    new = await world.ann.domains.add_tracking_domain(name)
    assert new.dns_records[0].value != old.dns_records[0].value
    assert (await reason_of(world.ann.domains.check_tracking_domain(name)))[1] == "OTHER_RECORDS"


async def test_repeated_writes_count_once(world: World, name: str) -> None:
    """A repeated registration does not bring a removed domain back, nor a removal remove anew."""
    added, removed = uuid.uuid4(), uuid.uuid4()
    domains = world.ann.domains
    first = await domains.add_tracking_domain(name, request_id=added)
    assert await domains.add_tracking_domain(name, request_id=added) == first
    await domains.remove_tracking_domain(name, request_id=removed)
    again = domains.add_tracking_domain(name, request_id=added)
    assert (await reason_of(again))[0] is ErrorReason.DOMAIN_NOT_FOUND
    await domains.add_tracking_domain(name)
    await domains.remove_tracking_domain(name, request_id=removed)
    assert name in await names(world.ann)


async def test_keys_list_what_they_need(world: World, name: str) -> None:
    """Keys other than ADMIN list verified domains of their tenants, without DNS records."""
    await world.verified(world.ann, name)
    await world.ann.domains.add_tracking_domain(f"pending.{name}")
    await world.verified(world.bob, f"bob.{name}")
    keys = world.ann_keys
    installation = await world.client(world.authority.admin_key)
    limited = await installation.admin.create_api_key(Role.EDGE, edge_tenant_ids=[keys.tenant_id])
    own, pending, foreign = name, f"pending.{name}", f"bob.{name}"
    all_three = {own, pending, foreign}
    assert limited.secret
    for key, expected in (
        (keys.sender_key, {own}),
        (limited.secret, {own}),
        (keys.edge_key, {own, foreign}),
        (keys.admin_key, {own, pending}),
        (world.authority.admin_key, all_three),
    ):
        assert await names(await world.client(key)) & all_three == expected
    assert await names(installation, keys.tenant_id) & all_three == {own, pending}
    sender = await world.client(keys.sender_key)
    assert not [each async for each in sender.domains.list_tracking_domains() if each.dns_records]


def default_of(name: str) -> PolicyUpdate:
    """Return an update of the default domain only."""
    return PolicyUpdate(default_tracking_domain=name)


async def test_a_verified_domain_can_be_the_default(world: World, name: str) -> None:
    """A tenant has one default, or none; senders see which; other settings stay."""
    await world.verified(world.ann, name)
    await world.verified(world.ann, f"second.{name}")
    before = (await world.ann.admin.get_tenant()).policy
    sender = await world.client(world.ann_keys.sender_key)
    for new, expected in ((name.upper(), name), (f"second.{name}", f"second.{name}"), ("", None)):
        policy = (await world.ann.admin.update_policy(default_of(new))).policy
        assert policy == replace(before, default_tracking_domain=expected)
        listed = [each async for each in sender.domains.list_tracking_domains()]
        assert [each.domain for each in listed if each.is_default] == [expected] * bool(expected)
    assert [each async for each in world.ann.admin.list_policy_changes()][1:] == []


async def test_the_default_goes_with_its_domain(world: World, name: str) -> None:
    """It goes when the domain is removed, or verified for another tenant."""
    await world.verified(world.ann, name)
    await world.ann.admin.update_policy(default_of(name))
    await world.ann.domains.remove_tracking_domain(name)
    assert (await world.ann.admin.get_tenant()).policy.default_tracking_domain is None
    again = await world.verified(world.ann, name)
    assert not again.is_default
    await world.ann.admin.update_policy(default_of(name))
    world.unpublish(again)
    await world.verified(world.bob, name)
    assert (await world.ann.admin.get_tenant()).policy.default_tracking_domain is None


async def test_another_domain_cannot_be_the_default(world: World, name: str) -> None:
    """A domain that is pending, unknown, invalid or of another tenant is refused; nothing changes."""
    await world.verified(world.ann, name)
    await world.ann.admin.update_policy(default_of(name))
    await world.ann.domains.add_tracking_domain(f"pending.{name}")
    await world.verified(world.bob, f"bob.{name}")
    for wrong, reason in (
        (f"pending.{name}", ErrorReason.DOMAIN_NOT_VERIFIED),
        (f"bob.{name}", ErrorReason.DOMAIN_NOT_FOUND),
        (f"none.{name}", ErrorReason.DOMAIN_NOT_FOUND),
        ("192.0.2.1", ErrorReason.DOMAIN_INVALID),
    ):
        update = world.ann.admin.update_policy(
            PolicyUpdate(default_tracking_domain=wrong, retention_days=9)
        )
        assert (await reason_of(update))[0] is reason
    policy = (await world.ann.admin.get_tenant()).policy
    assert (policy.default_tracking_domain, policy.retention_days) == (name, 365)
    installation = await world.client(world.authority.admin_key)
    create = installation.admin.create_tenant("new", policy=default_of(name))
    assert (await reason_of(create))[0] is ErrorReason.DOMAIN_NOT_FOUND


async def test_another_default_is_another_request(world: World, name: str) -> None:
    """A request id that set a default cannot remove it, nor set another."""
    request = uuid.uuid4()
    await world.verified(world.ann, name)
    update = world.ann.admin.update_policy
    await update(default_of(name), request_id=request)
    for other in ("", f"other.{name}"):
        call = update(default_of(other), request_id=request)
        assert (await reason_of(call))[0] is ErrorReason.REQUEST_ID_REUSED
    both = PolicyUpdate(retention_days=9)
    assert (await reason_of(update(both, request_id=request)))[0] is ErrorReason.REQUEST_ID_REUSED
    await update(default_of(name), request_id=request)


async def test_a_tenant_has_a_limited_number_of_domains(
    authority: RunningAuthority, clients: Clients
) -> None:
    """The 101st domain is refused; one that is registered already is not."""
    add = clients.admin.domains.add_tracking_domain
    await asyncio.gather(*(add(f"d{number}.example.com") for number in range(100)))
    with pytest.raises(HushpostError) as caught:
        await add("one-more.example.com")
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert dict(caught.value.metadata) == {"field": "domain", "limit": "100"}
    assert (await add("d7.example.com")).domain == "d7.example.com"


async def test_checks_of_a_tenant_are_limited(world: World, name: str) -> None:
    """A tenant cannot make the authority send any number of DNS queries."""
    keys = await make_tenant(world.authority)
    client = await world.client(keys.admin_key)
    await client.domains.add_tracking_domain(name)
    queries = len(world.dns.queries)
    checks = (client.domains.check_tracking_domain(name) for _ in range(30))
    results = await asyncio.gather(*checks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, ResourceExhaustedError)]
    assert len(refused) >= 15
    assert {error.reason for error in refused} == {ErrorReason.OVERLOADED}
    assert len(world.dns.queries) - queries == 30 - len(refused)


async def test_the_domains_of_a_deleted_tenant_go(world: World, name: str) -> None:
    """No row of a deleted tenant keeps a name from others."""
    keys = await make_tenant(world.authority)
    await world.verified(await world.client(keys.admin_key), name)
    async with connected(world.authority.process.data_dir) as database:
        await database.execute("delete from tenants where tenant_id = $1", keys.tenant_id)
        left = await database.fetchval(
            "select count(*) from tracking_domains where domain = $1", name
        )
    assert left == 0
