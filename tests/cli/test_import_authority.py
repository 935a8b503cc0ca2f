"""`hushpost import` against a real authority."""

from typing import Any

import pytest

from hushpost_client import DoNotTrack, Hushpost, PreferenceSource


@pytest.fixture
def import_into_authority(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run `hushpost import` with a SENDER key of the tenant."""

    async def run(path: Any, *options: str, tenant_id: str = tenant.tenant_id) -> Any:
        fixed = ("--tenant", tenant_id, "--authority", authority.target)
        return await hushpost("import", path, *fixed, *options, key=tenant.sender_key)

    return run


async def test_preferences_are_stored_with_evidence(
    import_into_authority: Any, contacts: Any, authority: Any, tenant: Any
) -> None:
    """The authority stores each preference with its evidence; a rerun changes nothing."""
    path = contacts("contact_id;doNotTrack\nann;yes\nbob;no\ncid;\ndan\nänn@example.com;1\n")
    first = await import_into_authority(path)
    assert (first.code, first.err) == (0, "")
    assert "5 contacts imported: 5 new, 4 changed" in first.out
    async with Hushpost.connect(authority.target, api_key=tenant.sender_key, tls=False) as client:
        preferences = client.preferences
        stored = {
            contact_id: (await preferences.get_preference(contact_id)).do_not_track
            for contact_id in ("ann", "bob", "cid", "dan", "änn@example.com")
        }
        changes = {c.contact_id: c async for c in preferences.list_preference_changes()}
    assert list(stored.values()) == [
        DoNotTrack.TRUE,
        DoNotTrack.FALSE,
        DoNotTrack.FALSE,
        DoNotTrack.UNSET,
        DoNotTrack.TRUE,
    ]
    assert changes["bob"].source is PreferenceSource.IMPORT
    assert changes["cid"].source is PreferenceSource.IMPORT_EMPTY_CELL
    assert changes["cid"].evidence == "contacts.csv:4"
    assert "dan" not in changes
    assert "5 contacts imported: 0 new, 0 changed" in (await import_into_authority(path)).out


async def test_a_file_of_several_batches(import_into_authority: Any, contacts: Any) -> None:
    """A file with more rows than a batch is imported, with bad rows among them."""
    rows = "".join(f"c{number}@example.com,{number % 2}\n" for number in range(25_000))
    done = await import_into_authority(contacts(f"contact_id,doNotTrack\n{rows}x,maybe\n"))
    assert done.code == 3
    assert "25,000 contacts imported: 25,000 new, 25,000 changed" in done.out
    assert "1 rows rejected" in done.out


async def test_a_key_of_another_tenant_is_rejected(
    import_into_authority: Any, contacts: Any
) -> None:
    """`--tenant` must be the key's tenant."""
    path = contacts("contact_id,doNotTrack\nann,1\n")
    done = await import_into_authority(path, tenant_id="somebody-else")
    assert done.code == 5
    assert "TENANT_NOT_ALLOWED" in done.err
    assert "nothing was imported" in done.err


async def test_command_and_authority_accept_the_same_ids(
    import_into_authority: Any, contacts: Any
) -> None:
    """The authority accepts all contact ids that the command accepts."""
    ids = ["a" * 128, "ä" * 64, "a b", "😀", "a\u00a0b", '"q""q"', "a\u200bb"]
    done = await import_into_authority(contacts("contact_id\n" + "\n".join(ids) + "\n"))
    assert (done.code, f"{len(ids)} new" in done.out) == (0, True)
