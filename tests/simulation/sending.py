"""A sender that crashes half way and resumes: no message may count twice."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime, make_msgid
from uuid import uuid4

import aiosmtplib

from hushpost_demo.contacts import Contact
from hushpost_demo.newsletter import SENDER
from hushpost_demo.sending import DOMAIN
from hushpost_mail import Campaign, Mail, Recipient, RenderedMessage
from tests.simulation.plan import Modes

__all__ = ["send_with_crash"]

_CRASH_AFTER = 20
"""Mails before the crash. They are sent twice and must be counted once."""

_BATCH = 250


async def send_with_crash(
    campaign: Campaign[Mail], contacts: Sequence[Contact], smtp_port: int, now: datetime
) -> list[Modes]:
    """Send a mail to every contact; return the modes of the messages, in order.

    The sender crashes after some mails and resumes with the same run id.
    """
    run_id = uuid4()
    smtp = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=smtp_port, local_hostname="localhost", start_tls=False
    )
    async with smtp:
        for crash_after in (_CRASH_AFTER, None):
            run = campaign.render_all(_recipients(contacts), run_id=run_id, batch_size=_BATCH)
            async with aclosing(run) as messages:
                modes = await _send(messages, contacts, smtp, now, crash_after)
    return modes


async def _send(
    messages: AsyncIterator[RenderedMessage[Mail]],
    contacts: Sequence[Contact],
    smtp: aiosmtplib.SMTP,
    now: datetime,
    crash_after: int | None,
) -> list[Modes]:
    names = {contact.contact_id: contact.name for contact in contacts}
    modes: list[Modes] = []
    async for rendered in messages:
        headers = {
            "To": str(Address(names[rendered.contact_id], addr_spec=rendered.address)),
            "Date": format_datetime(now),
            "Message-ID": make_msgid(domain="shop.example.com"),
        }
        mail = rendered.message.with_headers(headers)
        await smtp.sendmail(SENDER, rendered.address, bytes(mail))
        assert rendered.mode
        assert rendered.click_mode
        modes.append((rendered.mode, rendered.click_mode))
        if len(modes) == crash_after:
            break
    return modes


def _recipients(contacts: Sequence[Contact]) -> list[Recipient]:
    return [
        Recipient(contact.contact_id, contact.group, f"{contact.mailbox}@{DOMAIN}")
        for contact in contacts
    ]
