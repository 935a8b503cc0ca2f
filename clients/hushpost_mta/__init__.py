"""Takes a newsletter as it is and makes each recipient's message of it.

    from hushpost_client import Hushpost
    import hushpost_mta

    async with Hushpost.connect("localhost:50051", api_key="hp_…", tls=False) as hushpost:
        campaign = await hushpost_mta.compile(
            html, text,
            hushpost=hushpost, tracking_url="https://t.example.com",
            campaign_id="spring-sale", groups=["customers"],
        )
        async for rendered in campaign.render_all(recipients):
            await send(rendered.address, rendered.message.html, rendered.message.text)

A message is parsed once. What is not a link that is rewritten, a pixel or a
preference link leaves as it came, to the byte. See `docs/sending.md`.
"""

from hushpost_mta._ahead import Recipient
from hushpost_mta._campaign import Campaign, Rendered
from hushpost_mta._compile import compile  # noqa: A004 - as in re.compile
from hushpost_mta._errors import CompileError
from hushpost_mta._link_types import LeftLink, LeftReason, Part
from hushpost_mta._mail import Mail
from hushpost_mta._parts import Parts
from hushpost_mta._prepare import prepare
from hushpost_mta._template import Template

__all__ = [
    "Campaign",
    "CompileError",
    "LeftLink",
    "LeftReason",
    "Mail",
    "Part",
    "Parts",
    "Recipient",
    "Rendered",
    "Template",
    "compile",
    "prepare",
]
