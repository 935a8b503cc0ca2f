"""The audit log of policies."""

import base64
from dataclasses import replace
from typing import Any

from hushpost.v1 import admin_pb2
from hushpost_client import Mode, PolicyUpdate, Role
from tests.wire import Wire


async def test_every_policy_change_is_logged(clients: Any, authority: Any, connect: Any) -> None:
    """The log has every policy of the tenant in order, with time and API key; no-op updates add none."""
    admin = clients.admin.admin
    first = (await admin.get_tenant()).policy
    own = [key.key_id async for key in admin.list_api_keys() if key.role is Role.ADMIN]
    officer = await admin.create_api_key(Role.ADMIN, display_name="officer")
    await admin.update_policy(PolicyUpdate(epsilon=0.3))
    await admin.update_policy(PolicyUpdate(epsilon=0.3))
    async with connect(authority.target, api_key=officer.secret) as client:
        last = await client.admin.update_policy(
            PolicyUpdate(mode_when_true=Mode.AGGREGATE, epsilon=1.5)
        )
        changes = [change async for change in client.admin.list_policy_changes(page_size=2)]
    assert [change.version for change in changes] == [1, 2, 3]
    assert [change.policy for change in changes] == [
        first,
        replace(first, epsilon=0.3),
        last.policy,
    ]
    times = [change.change_time for change in changes]
    assert times == sorted(set(times))
    assert [change.actor for change in changes[1:]] == [*own, officer.api_key.key_id]


async def test_an_installation_key_reads_the_log_of_any_tenant(clients: Any) -> None:
    """A key of the installation reads the same log, which starts with the tenant's creation."""
    await clients.admin.admin.update_policy(PolicyUpdate(epsilon=0.3))
    own_log = [change async for change in clients.admin.admin.list_policy_changes()]
    listed = clients.installation.admin.list_policy_changes(tenant_id=clients.tenant_id)
    assert [change async for change in listed] == own_log
    keys = clients.installation.admin.list_api_keys(page_size=1000)
    installation_keys = {
        key.key_id async for key in keys if key.role is Role.ADMIN and not key.tenant_id
    }
    assert own_log[0].actor in installation_keys


async def test_a_page_after_the_last_policy_is_empty(authority: Any, tenant: Any) -> None:
    """A page token after the last version returns an empty last page."""
    token = base64.urlsafe_b64encode(f"policies:{2**63 - 1}".encode()).decode()
    request = admin_pb2.ListPolicyChangesRequest(page_token=token)
    async with Wire(authority.target) as wire:
        response = await wire.call("ListPolicyChanges", request, tenant.admin_key)
    assert (list(response.changes), response.next_page_token) == ([], "")
