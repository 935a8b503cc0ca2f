"""The audit log of policies: what a data-protection officer reads."""

import base64
from dataclasses import replace
from typing import Any

from hushpost.v1 import admin_pb2
from hushpost_client import Hushpost, Mode, PolicyUpdate, Role
from tests.wire import Wire


async def test_policies_are_proved(clients: Any, authority: Any) -> None:
    """Every policy a tenant has had is told in order, with when and by whose key."""
    admin = clients.admin.admin
    first = (await admin.get_tenant()).policy
    own = [key.key_id async for key in admin.list_api_keys() if key.role is Role.ADMIN]
    officer = await admin.create_api_key(Role.ADMIN, display_name="officer")
    await admin.update_policy(PolicyUpdate(quorum=3))
    await admin.update_policy(PolicyUpdate(quorum=3))
    async with Hushpost.connect(authority.target, api_key=officer.secret, tls=False) as client:
        last = await client.admin.update_policy(
            PolicyUpdate(mode_when_true=Mode.AGGREGATE, quorum=20)
        )
        changes = [change async for change in client.admin.list_policy_changes(page_size=2)]
    assert [change.version for change in changes] == [1, 2, 3]
    assert [change.policy for change in changes] == [first, replace(first, quorum=3), last.policy]
    times = [change.change_time for change in changes]
    assert times == sorted(set(times))
    assert [change.actor for change in changes[1:]] == [*own, officer.api_key.key_id]


async def test_the_installation_reads_a_named_tenants_policies(clients: Any) -> None:
    """A key of the installation sees what the tenant sees, the tenant's creation included."""
    await clients.admin.admin.update_policy(PolicyUpdate(quorum=3))
    told = [change async for change in clients.admin.admin.list_policy_changes()]
    listed = clients.installation.admin.list_policy_changes(tenant_id=clients.tenant_id)
    assert [change async for change in listed] == told
    keys = clients.installation.admin.list_api_keys(page_size=1000)
    makers = {key.key_id async for key in keys if key.role is Role.ADMIN and not key.tenant_id}
    assert told[0].actor in makers


async def test_a_page_after_the_last_policy_is_empty(authority: Any, tenant: Any) -> None:
    """A page token that lies beyond every version is answered with an empty last page."""
    token = base64.urlsafe_b64encode(f"policies:{2**63 - 1}".encode()).decode()
    request = admin_pb2.ListPolicyChangesRequest(page_token=token)
    async with Wire(authority.target) as wire:
        answer = await wire.call("ListPolicyChanges", request, tenant.admin_key)
    assert (list(answer.changes), answer.next_page_token) == ([], "")
