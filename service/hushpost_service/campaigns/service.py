"""Commands about campaigns."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.validation import checked_id, checked_text, checked_url
from hushpost_service.storage import campaigns as storage
from hushpost_service.storage import receipts
from hushpost_service.storage.campaigns import Campaign, Link, LinkRevision
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.receipts import Method
from hushpost_service.tokens.codec import campaign_number

__all__ = ["Campaigns"]

_MAX_PARTS = 10_000
"""Links, and groups, of a campaign."""


class Campaigns:
    """What senders register, and edges watch."""

    def __init__(
        self, database: Database, campaigns: CampaignCache, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._clock = clock
        self._registered = asyncio.Event()

    async def create(
        self,
        tenant: int,
        campaign_id: str,
        display_name: str,
        links: Sequence[Link],
        groups: Sequence[str],
        request: UUID | None,
    ) -> Campaign:
        """Create a campaign.

        Raises ID_INVALID, FIELD_INVALID, LINK_URL_INVALID, LIMIT_EXCEEDED,
        CAMPAIGN_ALREADY_EXISTS.
        """
        checked_text(display_name, "display_name", 256)
        if campaign_id:
            checked_id(campaign_id, "campaign_id")
        _check_parts(links, groups)
        made = campaign_number(tenant, secrets.randbits(40))

        async def work(connection: Connection) -> int:
            if not await receipts.file_receipt(
                connection, tenant, Method.CREATE_CAMPAIGN, request, self._clock(), made
            ):
                return await _made_before(connection, tenant, request)
            name = campaign_id or f"c-{secrets.token_hex(8)}"
            if not await storage.insert_campaign(connection, tenant, made, name, display_name):
                raise HushpostError(
                    Reason.CAMPAIGN_ALREADY_EXISTS,
                    "the tenant has a campaign of that id already",
                )
            await storage.add_groups(connection, tenant, made, groups)
            await storage.add_links(connection, tenant, made, links)
            return made

        number = await self._database.transact("create campaign", work)
        return await self._changed(tenant, number)

    async def extend(
        self,
        tenant: int,
        campaign_id: str,
        links: Sequence[Link],
        groups: Sequence[str],
        request: UUID | None,
    ) -> Campaign:
        """Add links and groups. Raises as `create`, CAMPAIGN_NOT_FOUND, CAMPAIGN_CLOSED."""
        _check_parts(links, groups)
        number = await self._campaigns.number(tenant, campaign_id)

        async def work(connection: Connection) -> None:
            is_closed = await storage.lock_campaign(connection, tenant, number)
            if not await receipts.file_receipt(
                connection, tenant, Method.EXTEND_CAMPAIGN, request, self._clock()
            ):
                return
            if is_closed:
                raise HushpostError(Reason.CAMPAIGN_CLOSED, "the campaign is closed")
            await storage.add_groups(connection, tenant, number, groups)
            await storage.add_links(connection, tenant, number, links)
            extended = await storage.campaign(connection, tenant, number)
            if extended is not None:
                _check_limit(len(extended.links), "links")
                _check_limit(len(extended.groups), "groups")

        await self._database.transact("extend campaign", work)
        return await self._changed(tenant, number)

    async def get(self, tenant: int, campaign_id: str) -> Campaign:
        """Return a campaign with its links and groups. Raises CAMPAIGN_NOT_FOUND."""
        return await self._get(tenant, await self._campaigns.number(tenant, campaign_id))

    async def page(
        self, tenant: int, after: tuple[datetime, int] | None, limit: int
    ) -> list[Campaign]:
        """Return campaigns, newest first, without links and groups."""
        async with self._database.connection("list campaigns") as connection:
            return await storage.list_campaigns(connection, tenant, after, limit)

    async def close(self, tenant: int, campaign_id: str) -> Campaign:
        """Close a campaign, for good. Raises CAMPAIGN_NOT_FOUND."""
        number = await self._campaigns.number(tenant, campaign_id)
        async with self._database.connection("close campaign") as connection:
            await storage.close_campaign(connection, tenant, number)
        return await self._get(tenant, number)

    async def links_since(self, revision: int, limit: int) -> list[LinkRevision]:
        """Return links of all tenants that were registered after a revision."""
        async with self._database.connection("watch links") as connection:
            return await storage.links_since(connection, revision, limit)

    async def last_revision(self) -> int:
        """Return the revision of the link that was registered last."""
        async with self._database.connection("watch links") as connection:
            return await storage.last_revision(connection)

    async def registered(self, seconds: float) -> None:
        """Return when this process has registered links, or after that time.

        Other processes do so too: the time bounds how late an edge learns of it.
        """
        event = self._registered
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return

    async def _changed(self, tenant: int, number: int) -> Campaign:
        self._registered.set()
        self._registered = asyncio.Event()
        await self._campaigns.read(number)
        return await self._get(tenant, number)

    async def _get(self, tenant: int, number: int) -> Campaign:
        async with self._database.connection("get campaign") as connection:
            found = await storage.campaign(connection, tenant, number)
        if found is None:
            raise HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
        return found


async def _made_before(connection: Connection, tenant: int, request: UUID | None) -> int:
    made = (
        None
        if request is None
        else await receipts.subject(connection, tenant, Method.CREATE_CAMPAIGN, request)
    )
    if made is None:
        raise HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
    return made


def _check_parts(links: Sequence[Link], groups: Sequence[str]) -> None:
    _check_limit(len(links), "links")
    _check_limit(len(groups), "groups")
    for index, link in enumerate(links):
        checked_url(link.url, index)
        checked_text(link.label, "label", 128)
        if link.number:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "link_number is given by the authority",
                {"field": "link_number"},
            )
    for group in groups:
        checked_id(group, "group_id")
    if len(set(groups)) != len(groups):
        raise HushpostError(
            Reason.ID_INVALID, "a group is named more than once", {"field": "group_id"}
        )


def _check_limit(count: int, field: str) -> None:
    if count > _MAX_PARTS:
        raise HushpostError(
            Reason.LIMIT_EXCEEDED,
            f"a campaign has at most {_MAX_PARTS} {field}",
            {"field": field, "limit": str(_MAX_PARTS)},
        )
