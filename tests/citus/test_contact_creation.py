"""Calls that create the same contacts at the same time all succeed."""

import asyncio

from tests.conftest import Clients
from tests.mailing import GROUP, URLS

CONTACTS = [f"reader-{number}@example.com" for number in range(200)]


async def test_contacts_that_another_call_creates_are_found(clients: Clients) -> None:
    """The conflict of two calls is no error, as on a single server."""
    campaigns = clients.sender.campaigns
    names = [f"campaign-{number}" for number in range(6)]
    for name in names:
        await campaigns.create_campaign(name, links=URLS, groups=[GROUP])
    issued = await asyncio.gather(
        *(campaigns.issue_tokens(name, GROUP, CONTACTS) for name in names)
    )
    for each in issued:
        assert {token.contact_id for token in each.tokens} == set(CONTACTS)
