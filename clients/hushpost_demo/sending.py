"""Creates the campaign and sends the newsletter to every contact by SMTP."""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.utils import format_datetime, make_msgid

import aiosmtplib

import hushpost_mail
from hushpost_client import Hushpost
from hushpost_demo.contacts import Contact
from hushpost_demo.errors import DemoError
from hushpost_demo.newsletter import SENDER, newsletter

__all__ = ["DOMAIN", "create_campaign", "groups_of", "send_newsletter"]

DOMAIN = "readers.test"
"""The domain of all recipients; `.test` is reserved and never delivered to."""

Campaign = hushpost_mail.Campaign[hushpost_mail.Mail]


def groups_of(contacts: Sequence[Contact]) -> dict[str, int]:
    """Return the names of the contacts' groups, sorted, with the number of contacts."""
    return dict(sorted(Counter(contact.group for contact in contacts).items()))


async def create_campaign(
    sender: Hushpost, contacts: Sequence[Contact], tracking_url: str
) -> Campaign:
    """Find the links of the newsletter and register them as a new campaign."""
    now = datetime.now(UTC)
    return await hushpost_mail.create_campaign(
        newsletter(),
        hushpost=sender,
        tracking_url=tracking_url,
        campaign_id=f"spring-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        groups=groups_of(contacts),
        display_name="Spring newsletter",
        keep_html=True,
    )


async def send_newsletter(campaign: Campaign, contacts: Sequence[Contact], smtp_port: int) -> None:
    """Render the newsletter for every contact and hand it to the SMTP server on loopback.

    Raises:
        DemoError: The server rejects a message.
        HushpostError: The authority rejects a call.
    """
    recipients = [
        hushpost_mail.Recipient(contact.contact_id, contact.group, f"{contact.mailbox}@{DOMAIN}")
        for contact in contacts
    ]
    names = {contact.contact_id: contact.name for contact in contacts}
    smtp = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=smtp_port, local_hostname="localhost", start_tls=False
    )
    try:
        async with smtp:
            async for rendered in campaign.render_all(recipients):
                headers = {
                    "To": str(Address(names[rendered.contact_id], addr_spec=rendered.address)),
                    "Date": format_datetime(datetime.now(UTC)),
                    "Message-ID": make_msgid(domain="shop.example.com"),
                }
                message = rendered.message.with_headers(headers)
                await smtp.sendmail(SENDER, rendered.address, bytes(message))
    except aiosmtplib.SMTPException as error:
        raise DemoError(f"the SMTP server rejected a message: {error}") from error
