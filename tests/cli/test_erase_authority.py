"""`hushpost erase` against a real authority."""

from pathlib import Path
from typing import Any

import pytest

from hushpost_client import DoNotTrack
from tests.conftest import Clients
from tests.inspection import connected, tenant_number
from tests.mailing import send

NAMES = [f"reader-{number}" for number in range(300)]


@pytest.fixture
def erase(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run `hushpost erase` with a SENDER key of the tenant."""

    async def run(path: Path, *options: str, tenant_id: str = tenant.tenant_id) -> Any:
        fixed = (
            path,
            "--tenant",
            tenant_id,
            "--authority",
            authority.target,
            "--yes",
        )
        return await hushpost("erase", *fixed, *options, key=tenant.sender_key)

    return run


async def test_no_table_names_an_erased_contact(
    erase: Any, contacts: Any, clients: Clients, authority: Any
) -> None:
    """Events and preferences of erased contacts are deleted; other contacts keep theirs."""
    mailing = await send(clients, [*NAMES, "somebody"])
    await mailing.open(*NAMES[:100], "somebody")
    await clients.sender.preferences.set_preference(NAMES[0], DoNotTrack.FALSE)
    rows = "\n".join([*NAMES, NAMES[0], "nobody-has-heard-of-me"])
    done = await erase(contacts(f"contact_id\n{rows}\n"))
    assert (done.code, done.out) == (0, "contacts.csv: 302 rows, 302 contacts erased\n")
    async with connected(authority.process.data_dir) as connection:
        tenant = await tenant_number(connection, clients.tenant_id)
        query = "select contact_id from {} join contacts using (tenant, contact) where tenant = $1"
        assert [tuple(row) for row in await connection.fetch(query.format("events"), tenant)] == [
            ("somebody",)
        ]
        left = await connection.fetch("select contact_id from contacts where tenant = $1", tenant)
        assert [tuple(row) for row in left] == [("somebody",)]
    changes = clients.sender.preferences.list_preference_changes()
    assert [change async for change in changes] == []
    assert await mailing.engaged() == {"somebody"}


async def test_a_second_run_spares_contacts_that_signed_up_again(
    erase: Any, contacts: Any, clients: Clients
) -> None:
    """The same file does not erase a contact that signed up again; another file does."""
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    path = contacts("contact_id\nann\n")
    await erase(path)
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    assert (await erase(path)).code == 0
    assert (await preferences.get_preference("ann")).do_not_track is DoNotTrack.TRUE
    assert (await erase(contacts("contact_id\nann\nbob\n"))).code == 0
    assert (await preferences.get_preference("ann")).do_not_track is DoNotTrack.UNSET


async def test_pseudonymize_keeps_the_change_log(
    erase: Any, contacts: Any, clients: Clients
) -> None:
    """With `--proof pseudonymize`, the change log stays under a digest."""
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE, evidence="form 7")
    await erase(contacts("contact_id\nann\n"), "--proof", "pseudonymize")
    (change,) = [change async for change in preferences.list_preference_changes()]
    assert (change.evidence, "ann" in change.contact_id) == ("form 7", False)


async def test_a_key_of_another_tenant_is_rejected(erase: Any, contacts: Any) -> None:
    """`--tenant` must be the key's tenant."""
    done = await erase(contacts("contact_id\nann\n"), tenant_id="somebody-else")
    assert done.code == 5
    assert "TENANT_NOT_ALLOWED" in done.err
    assert "0 contacts are erased." in done.err
