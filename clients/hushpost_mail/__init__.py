"""Adds tracking to a newsletter and renders it for each recipient.

    from collections import Counter

    import hushpost_mail
    from hushpost_client import Hushpost
    from hushpost_mail import Recipient

    recipients = [Recipient("ada", "customers", "ada@example.com")]
    async with Hushpost.connect("localhost:50051", api_key="hp_…") as hushpost:
        campaign = await hushpost_mail.create_campaign(
            html,
            text,
            hushpost=hushpost,
            tracking_url="https://t.example.com",
            campaign_id="spring-sale",
            groups=Counter(recipient.group_id for recipient in recipients),
        )
        async for rendered in campaign.render_all(recipients):
            await send(rendered.address, rendered.message.html, rendered.message.text)

`create_campaign` parses the newsletter once and registers its links with the
authority. Rendering then only joins strings: it rewrites links, adds the pixel and
fills in preference links. All other bytes stay as they are.

`parse_template` does the same without the authority, for previews and tests. See
`docs/how-to/send-a-newsletter.md` for the rules.
"""

from hushpost_mail._campaign import Campaign, RenderedMessage
from hushpost_mail._create_campaign import create_campaign
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._html_and_text import Parts
from hushpost_mail._links import Part, SkippedLink, SkipReason
from hushpost_mail._mail import Mail
from hushpost_mail._parse_template import parse_template
from hushpost_mail._raw_message import RawMessage
from hushpost_mail._recipients import Recipient
from hushpost_mail._template import Template
from hushpost_mail._warnings import MessageWarning, WarningKind

__all__ = [
    "Campaign",
    "CampaignSourceError",
    "Mail",
    "MessageWarning",
    "Part",
    "Parts",
    "RawMessage",
    "Recipient",
    "RenderedMessage",
    "SkipReason",
    "SkippedLink",
    "Template",
    "WarningKind",
    "create_campaign",
    "parse_template",
]
