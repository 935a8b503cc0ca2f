"""The list of tenants."""

import uuid
from typing import Any

from tests.conftest import make_tenant


async def test_a_key_of_the_installation_lists_all_tenants(authority: Any, connect: Any) -> None:
    """Tenants are sorted by id, across pages, with their names; none is missing or doubled."""
    name = f"Tenant {uuid.uuid4().hex}"
    async with connect(authority.target, api_key=authority.admin_key) as client:
        made = await client.admin.create_tenant(f"t-{uuid.uuid4().hex}", display_name=name)
        for _ in range(3):
            await make_tenant(authority)
        listed = [each async for each in client.admin.list_tenants(page_size=2)]
    ids = [each.tenant_id for each in listed]
    assert len(ids) >= 4
    assert ids == sorted(set(ids))
    (found,) = (each for each in listed if each.display_name == name)
    assert (found.tenant_id, found.create_time) == (made.tenant_id, made.create_time)


async def test_a_key_of_a_tenant_lists_only_its_own(clients: Any, authority: Any) -> None:
    """No page shows another tenant."""
    await make_tenant(authority)
    for size in (1, 1000):
        listed = [each async for each in clients.admin.admin.list_tenants(page_size=size)]
        assert [(each.tenant_id, each.display_name) for each in listed] == [
            (clients.tenant_id, None)
        ]
