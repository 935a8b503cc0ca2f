"""Creates campaigns of the last days, so that the dashboard has something to compare.

The events of each are recorded in one batch, with times since it was sent.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from hushpost_client import (
    AlreadyExistsError,
    Event,
    Hushpost,
    IssuedToken,
    NewLink,
    Verdict,
)
from hushpost_demo.contacts import Contact
from hushpost_demo.sending import groups_of

__all__ = ["CAMPAIGNS", "EarlierCampaign", "create_earlier_campaigns"]


@dataclass(frozen=True, slots=True)
class EarlierCampaign:
    """A campaign and how its recipients behaved.

    Attributes:
        campaign_id: The id.
        display_name: The name.
        age: How long ago it was sent.
        open_rate: The share of recipients who opened.
        click_rate: The share of those who clicked.
    """

    campaign_id: str
    display_name: str
    age: timedelta
    open_rate: float
    click_rate: float


CAMPAIGNS = (
    EarlierCampaign("bulbs", "Bulbs: order until Friday", timedelta(days=6), 0.45, 0.25),
    EarlierCampaign("frost", "Frost warning for your beds", timedelta(days=3), 0.75, 0.55),
)

_SHOP = "https://shop.example.com"
_LINKS = {
    "header": f"{_SHOP}/?from=letter",
    "offer": f"{_SHOP}/offers/week",
    "fleece": f"{_SHOP}/fleece",
    "guide": f"{_SHOP}/guides/first-frost",
    "workshops": "https://garden.example.com/courses",
    "archive": f"{_SHOP}/letter/archive",
}
_POPULARITY = (2, 9, 5, 4, 1, 1)
"""How often each link is clicked, relative to the others."""

_PREFETCH_RATE, _SCANNER_RATE = 0.3, 0.02
_HOURS_UNTIL_OPEN = 7.0
"""On average; the time is exponentially distributed."""
_MINUTES_UNTIL_CLICK = 4.0


async def create_earlier_campaigns(
    sender: Hushpost, edge: Hushpost, contacts: Sequence[Contact], rng: random.Random
) -> bool:
    """Create the campaigns and record their events; return False if they exist.

    Raises:
        HushpostError: The authority rejected a call.
    """
    now = datetime.now(UTC)
    for campaign in CAMPAIGNS:
        try:
            await _create(sender, campaign, contacts)
        except AlreadyExistsError:
            return False
        messages = await _issue(sender, campaign, contacts)
        events = [
            event
            for message in messages
            for event in _events(message, campaign, now - campaign.age, rng)
            if event.event_time and event.event_time < now
        ]
        await edge.tracking.record_events(events)
    return True


async def _create(sender: Hushpost, campaign: EarlierCampaign, contacts: Sequence[Contact]) -> None:
    await sender.campaigns.create_campaign(
        campaign.campaign_id,
        display_name=campaign.display_name,
        links=[NewLink(url, label=label) for label, url in _LINKS.items()],
        groups=list(groups_of(contacts)),
        message_html=_message(campaign),
    )


def _message(campaign: EarlierCampaign) -> str:
    links = "".join(f'<p><a href="{escape(url)}">{label}</a></p>' for label, url in _LINKS.items())
    style = "font:16px/1.6 Georgia,serif;max-width:600px;margin:24px auto"
    return f'<body style="{style}"><h1>{escape(campaign.display_name)}</h1>{links}</body>'


async def _issue(
    sender: Hushpost, campaign: EarlierCampaign, contacts: Sequence[Contact]
) -> list[IssuedToken]:
    messages: list[IssuedToken] = []
    for group in groups_of(contacts):
        members = [contact.contact_id for contact in contacts if contact.group == group]
        issued = await sender.campaigns.issue_tokens(campaign.campaign_id, group, members)
        messages += issued.tokens
    return messages


def _events(
    message: IssuedToken, campaign: EarlierCampaign, sent: datetime, rng: random.Random
) -> Iterator[Event]:
    """Return what a recipient, the mail program and a security gateway did with a message."""
    pixel, link = message.token, message.click_token
    if not (pixel and link):
        return
    if rng.random() < _PREFETCH_RATE:
        at = sent + timedelta(minutes=rng.uniform(1, 20))
        yield Event(pixel, event_time=at, verdict=Verdict.PREFETCH)
    if rng.random() < _SCANNER_RATE:
        for number in range(1, len(_LINKS) + 1):
            yield Event(link, link_number=number, event_time=sent, verdict=Verdict.SCANNER)
    if rng.random() < campaign.open_rate:
        opened = sent + timedelta(hours=rng.expovariate(1 / _HOURS_UNTIL_OPEN))
        yield Event(pixel, event_time=opened, verdict=Verdict.HUMAN)
        if rng.random() < campaign.click_rate:
            clicked = opened + timedelta(minutes=rng.expovariate(1 / _MINUTES_UNTIL_CLICK))
            (number,) = rng.choices(range(1, len(_LINKS) + 1), _POPULARITY)
            yield Event(link, link_number=number, event_time=clicked, verdict=Verdict.HUMAN)
