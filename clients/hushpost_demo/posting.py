"""The sender: renders the letter for everybody, and hands each mail to SMTP."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime, make_msgid
from uuid import uuid4

import aiosmtplib

from hushpost_client import Mode
from hushpost_demo.contacts import Contact
from hushpost_demo.failure import DemoError
from hushpost_demo.letter import SENDER
from hushpost_mail import Campaign, Mail, Recipient, RenderedMessage

__all__ = ["post", "warnings_of_sender"]

_DOMAIN = "readers.test"
_CRASHES_AFTER = 20
"""Mails. These are sent twice, and counted as sent once."""

_BATCH = 250


async def post(
    campaign: Campaign[Mail], contacts: Sequence[Contact], smtp_port: int, now: datetime
) -> list[Mode]:
    """Send everybody a mail; return the modes in which they went out, in order.

    The sender crashes on the way, and goes on under the same run id.

    Raises:
        DemoError: if a mail is not taken.
        HushpostError: if a mail can't be rendered.
    """
    run_id = uuid4()
    smtp = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=smtp_port, local_hostname="localhost", start_tls=False
    )
    try:
        async with smtp:
            for crash_after in (_CRASHES_AFTER, None):
                run = campaign.render_all(_recipients(contacts), run_id=run_id, batch_size=_BATCH)
                async with aclosing(run) as messages:
                    modes = await _send(messages, contacts, smtp, now, crash_after)
            return modes
    except aiosmtplib.SMTPException as error:
        raise DemoError(f"a mail was not taken: {error}") from error


async def _send(
    messages: AsyncIterator[RenderedMessage[Mail]],
    contacts: Sequence[Contact],
    smtp: aiosmtplib.SMTP,
    now: datetime,
    crash_after: int | None,
) -> list[Mode]:
    names = {contact.contact_id: contact.name for contact in contacts}
    modes: list[Mode] = []
    async for rendered in messages:
        headers = {
            "To": str(Address(names[rendered.contact_id], addr_spec=rendered.address)),
            "Date": format_datetime(now),
            "Message-ID": make_msgid(domain="shop.example.com"),
        }
        mail = rendered.message.with_headers(headers)
        await smtp.sendmail(SENDER, rendered.address, bytes(mail))
        assert rendered.mode  # noqa: S101 - the demo has no newer authority
        modes.append(rendered.mode)
        if len(modes) == crash_after:
            break
    return modes


def _recipients(contacts: Sequence[Contact]) -> list[Recipient]:
    return [
        Recipient(contact.contact_id, contact.group, f"{contact.mailbox}@{_DOMAIN}")
        for contact in contacts
    ]


@contextmanager
def warnings_of_sender() -> Iterator[list[str]]:
    """Collect what the sender's library warns of."""
    warnings: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.append(record.getMessage())

    logger = logging.getLogger("hushpost_mail")
    collector = Collector(logging.WARNING)
    logger.addHandler(collector)
    try:
        yield warnings
    finally:
        logger.removeHandler(collector)
