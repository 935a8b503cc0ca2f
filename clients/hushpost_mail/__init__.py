"""Takes a newsletter as it is and makes each recipient's message of it.

    from hushpost_client import Hushpost
    import hushpost_mail

    async with Hushpost.connect("localhost:50051", api_key="hp_…", tls=False) as hushpost:
        campaign = await hushpost_mail.create_campaign(
            html, text,
            hushpost=hushpost, tracking_url="https://t.example.com",
            campaign_id="spring-sale", groups=["customers"],
        )
        async for rendered in campaign.render_all(recipients):
            await send(rendered.address, rendered.message.html, rendered.message.text)

A message is parsed once. What is not a link that is rewritten, a pixel or a
preference link leaves as it came, to the byte. See `docs/sending.md`.
"""

from hushpost_mail._ahead import Recipient
from hushpost_mail._campaign import Campaign, Rendered
from hushpost_mail._create_campaign import create_campaign
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._link_types import Part, SkippedLink, SkipReason
from hushpost_mail._mail import Mail
from hushpost_mail._parts import Parts
from hushpost_mail._prepare import prepare
from hushpost_mail._template import Template

__all__ = [
    "Campaign",
    "CampaignSourceError",
    "Mail",
    "Part",
    "Parts",
    "Recipient",
    "Rendered",
    "SkipReason",
    "SkippedLink",
    "Template",
    "create_campaign",
    "prepare",
]
