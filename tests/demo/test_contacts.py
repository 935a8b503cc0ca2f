"""The contacts that come with the demo."""

from collections import Counter

from hushpost_demo.contacts import contacts_file, read_contacts
from hushpost_demo.sending import groups_of


def test_there_are_500_contacts_in_four_groups_with_every_preference() -> None:
    """Each group has contacts that say true, false, nothing in the cell, and no cell."""
    with contacts_file() as file:
        contacts = read_contacts(file)
    assert len({contact.contact_id for contact in contacts}) == 500
    assert len({contact.mailbox for contact in contacts}) == 500
    groups = [[c for c in contacts if c.group == group] for group in groups_of(contacts)]
    assert all(115 <= len(group) <= 135 for group in groups)
    assert len(groups) == 4
    for group in groups:
        said = Counter(contact.do_not_track and contact.do_not_track.lower() for contact in group)
        assert said["true"]
        assert said["false"]
        assert said[""]
        assert said[None]


def test_ids_cannot_be_anybodys() -> None:
    """Addresses are of domains that are reserved for examples, and not all are ASCII."""
    with contacts_file() as file:
        ids = [contact.contact_id for contact in read_contacts(file)]
    addresses = [contact_id for contact_id in ids if "@" in contact_id]
    assert all(address.endswith((".test", "@example.com")) for address in addresses)
    assert len(addresses) < len(ids)
    assert not all(contact_id.isascii() for contact_id in ids)
