"""Reads the delivered mails of a campaign, and finds their tokens and links."""

import re
from collections.abc import Mapping, Sequence

from hushpost_client import Mode
from hushpost_demo import newsletter
from hushpost_demo.contacts import Contact
from hushpost_demo.mail_reader import Mail, Page, read_mail, read_page
from hushpost_demo.mailbox import Mailbox
from tests.simulation.plan import Link, Message, Modes

__all__ = ["read_messages", "tracked_links", "unexpected_modes"]

_TRACKED = re.compile(r"/c/[\w-]{56}/(\d+)$")


def read_messages(
    mailbox: Mailbox, contacts: Sequence[Contact], modes: Sequence[Modes]
) -> list[Message]:
    """Return the message of each contact, with the token and links of its mail.

    Raises:
        ValueError: A mail is missing, unexpected or damaged.
    """
    files, expected = mailbox.files(), {mailbox.path(contact.mailbox) for contact in contacts}
    if set(files) != expected:
        raise ValueError(f"{len(expected)} mails were sent, but {len(files)} were delivered")
    original = read_page(newsletter.html(), newsletter.text())
    return [
        _message(
            number, contact, each, original, read_mail(mailbox.path(contact.mailbox).read_bytes())
        )
        for number, (contact, each) in enumerate(zip(contacts, modes, strict=True))
    ]


def _message(number: int, contact: Contact, modes: Modes, original: Page, mail: Mail) -> Message:
    if not mail.to.startswith(f"{contact.mailbox}@"):
        raise ValueError(f"the mail to {mail.to} is in the mailbox {contact.mailbox}")
    pixel = next((image for image in mail.page.images if image.endswith(".gif")), "")
    if bool(pixel) is (modes[0] is Mode.OFF):
        raise ValueError(f"a mail in mode {modes[0]} has the pixel {pixel!r}")
    preferences = next((url for url in mail.page.links if "/p/" in url), "")
    links = tracked_links(original, mail.page)
    click_tokens = {link.url.split("/")[-2] for link in links}
    if len(click_tokens) != (modes[1] is not Mode.OFF):
        raise ValueError(f"a mail in mode {modes[1]} has {len(click_tokens)} tokens in its links")
    token = pixel.rpartition("/")[2].removesuffix(".gif")
    if ({token} == click_tokens) is not (modes[0] is modes[1]):
        raise ValueError(f"a mail in modes {modes} has the tokens {token} and {click_tokens}")
    return Message(
        number,
        contact.contact_id,
        contact.group,
        modes,
        token,
        "".join(click_tokens),
        preferences.rpartition("/")[2],
        pixel,
        links,
    )


def tracked_links(original: Page, delivered: Page) -> tuple[Link, ...]:
    """Return the tracked links of a delivered mail, each with its original URL.

    Raises:
        ValueError: The mail does not have the links that its author wrote.
    """
    found = []
    for before, after in (
        (original.links, delivered.links),
        (original.text_links, delivered.text_links),
    ):
        # The text part contains the preference URL only after rendering.
        if len(after) < len(before):
            raise ValueError(
                f"the author wrote {len(before)} links, but {len(after)} were delivered"
            )
        for destination, url in zip(before, after, strict=False):
            number = _TRACKED.search(url)
            if number:
                found.append(Link(int(number[1]), url, destination))
            elif url != destination and "{{" not in destination:
                raise ValueError(f"the link to {destination} was delivered as {url}")
    return tuple(found)


def unexpected_modes(
    contacts: Sequence[Contact], modes: Sequence[Modes], refusals: Mapping[str, Modes]
) -> list[str]:
    """Compare the modes of messages with the contacts file, as far as it has preferences.

    `refusals` has the expected modes of contacts that refused one purpose since.
    """
    found = []
    for contact, got in zip(contacts, modes, strict=True):
        expected = refusals.get(contact.contact_id)
        if expected is None and contact.expected_mode is not None:
            expected = contact.expected_mode, contact.expected_mode
        if expected not in (None, got):
            found.append(
                f"modes of a contact with doNotTrack {contact.do_not_track!r}: "
                f"expected {expected}, got {got}"
            )
    return found
