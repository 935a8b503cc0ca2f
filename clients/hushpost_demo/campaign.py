"""The demo's campaign: a seed merchant's letter of spring, written, sent and received."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import hushpost_mail
from hushpost_client import Hushpost, Mode
from hushpost_demo import letter
from hushpost_demo.contacts import Contact
from hushpost_demo.failure import DemoError
from hushpost_demo.mailbox import Mailbox
from hushpost_demo.plan import Message
from hushpost_demo.reading import Mail, Page, read_mail, read_page, tracked_links

__all__ = ["compile_campaign", "groups_of", "read_messages", "wrong_modes"]


def groups_of(contacts: Sequence[Contact]) -> list[str]:
    """Return the groups of contacts, by name."""
    return sorted({contact.group for contact in contacts})


async def compile_campaign(
    sender: Hushpost, contacts: Sequence[Contact], tracking_url: str, now: datetime
) -> hushpost_mail.Campaign[hushpost_mail.Mail]:
    """Register a campaign with an id of its own, with the links that the letter has."""
    return await hushpost_mail.create_campaign(
        letter.letter(),
        hushpost=sender,
        tracking_url=tracking_url,
        campaign_id=f"spring-{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        groups=groups_of(contacts),
        display_name="Letter of spring",
    )


def read_messages(
    mailbox: Mailbox, contacts: Sequence[Contact], modes: Sequence[Mode]
) -> list[Message]:
    """Find tokens and links in the mails that arrived, one for each contact.

    Raises:
        DemoError: if a mail is missing, or too much, or not what was written.
    """
    files, expected = mailbox.files(), {mailbox.path(contact.mailbox) for contact in contacts}
    if set(files) != expected:
        raise DemoError(f"{len(expected)} mails were sent, {len(files)} arrived")
    written = read_page(letter.html(), letter.text())
    return [
        _message(
            number, contact, mode, written, read_mail(mailbox.path(contact.mailbox).read_bytes())
        )
        for number, (contact, mode) in enumerate(zip(contacts, modes, strict=True))
    ]


def _message(number: int, contact: Contact, mode: Mode, written: Page, mail: Mail) -> Message:
    if not mail.to.startswith(f"{contact.mailbox}@"):
        raise DemoError(f"the mail to {mail.to} lies in the mailbox {contact.mailbox}")
    pixel = next((image for image in mail.page.images if image.endswith(".gif")), "")
    if bool(pixel) is (mode is Mode.OFF):
        raise DemoError(f"a mail in the mode {mode} has the pixel {pixel!r}")
    preferences = next((url for url in mail.page.links if "/p/" in url), "")
    return Message(
        number,
        contact.contact_id,
        contact.group,
        mode,
        pixel.rpartition("/")[2].removesuffix(".gif"),
        preferences.rpartition("/")[2],
        pixel,
        tracked_links(written, mail.page),
    )


def wrong_modes(contacts: Sequence[Contact], modes: Sequence[Mode]) -> list[str]:
    """Compare the modes with what the file says.

    Of contacts that the file says nothing of, somebody may have set the
    preference since, on kept data.
    """
    return [
        f"mode of a contact with doNotTrack {contact.do_not_track!r}: "
        f"expected {contact.wishes}, answered {mode}"
        for contact, mode in zip(contacts, modes, strict=True)
        if contact.wishes not in {None, mode}
    ]
