"""Creates, extends, reads and closes campaigns, and lists links for edges."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from hushpost_runtime.waiting import wait_for_event
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.campaigns.link_and_group_checks import (
    check_limits,
    check_links_and_groups,
    check_max_modes,
)
from hushpost_service.campaigns.sender import Sender
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release_limits import ReleaseLimits
from hushpost_service.domain.validation import checked_id, checked_text
from hushpost_service.storage import campaigns as storage
from hushpost_service.storage import request_ids
from hushpost_service.storage.campaigns import (
    Campaign,
    CampaignPage,
    Link,
    LinkRevision,
    NewGroup,
)
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.issuing import insert_issue_key, wrapped_issue_key
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import campaign_number
from hushpost_service.tokens.issue_keys import issue_key_digest, new_issue_key, unwrapped, wrapped

__all__ = ["Campaigns"]

_MAX_MESSAGE_BYTES = 1024 * 1024


class Campaigns:
    """Manages the campaigns of tenants."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        release_limits: ReleaseLimits,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._release_limits = release_limits
        self._clock = clock
        self._links_added = asyncio.Event()

    async def create(
        self,
        tenant: int,
        campaign_id: str,
        *,
        display_name: str,
        links: Sequence[Link],
        groups: Sequence[NewGroup],
        max_mode: Mode,
        message_html: str,
        sender: Sender,
        request: UUID | None,
    ) -> tuple[Campaign, bytes]:
        """Create a campaign; return it with its issue key.

        A repeated call with another API key returns an empty issue key.

        Args:
            tenant: The tenant of the campaign.
            campaign_id: The tenant's own id; "" to have one generated.
            display_name: A name for people.
            links: The destinations, without numbers: they get the numbers 1…n.
            groups: The groups.
            max_mode: The most revealing mode that its messages may have.
            message_html: The HTML of its message; "" for none.
            sender: The API key of the call.
            request: The idempotency key.

        Raises ID_INVALID, FIELD_INVALID, LINK_URL_INVALID, LIMIT_EXCEEDED,
        CAMPAIGN_ALREADY_EXISTS, REQUEST_ID_REUSED.
        """
        checked_text(display_name, "display_name", 256)
        checked_text(message_html, "message_html", _MAX_MESSAGE_BYTES)
        if campaign_id:
            checked_id(campaign_id, "campaign_id")
        check_links_and_groups(links, groups)
        new_number = campaign_number(tenant, secrets.randbits(40))
        new_key = new_issue_key()
        content = {
            "campaign_id": campaign_id,
            "display_name": display_name,
            "max_mode": max_mode,
            "message_html": message_html,
            **_content(links, groups),
        }

        async def work(connection: Connection) -> int:
            now = self._clock()
            if not await request_ids.claim(
                connection, tenant, Method.CREATE_CAMPAIGN, request, content, now, new_number
            ):
                return await _created_before(connection, tenant, request, new_number)
            rule = await self._campaigns.mode_rule(connection, tenant)
            is_new = await storage.insert_campaign(
                connection,
                tenant,
                new_number,
                campaign_id or f"c-{secrets.token_hex(8)}",
                display_name,
                max_mode,
                self._release_limits.limited(rule.policy),
                issue_key_digest(new_key),
            )
            if not is_new:
                raise HushpostError(
                    Reason.CAMPAIGN_ALREADY_EXISTS,
                    "the tenant already has a campaign with that id",
                )
            await insert_issue_key(
                connection,
                tenant,
                new_number,
                sender.api_key,
                wrapped(new_key, sender.wrapping_secret, new_number),
            )
            await storage.add_groups(connection, tenant, new_number, groups)
            if message_html:
                await storage.insert_message(connection, tenant, new_number, message_html)
            # Last, because others that add links wait for the commit.
            await storage.add_links(connection, tenant, new_number, links)
            return new_number

        number = await self._database.transact("create campaign", work)
        campaign = await self._after_change(tenant, number)
        if number == new_number:
            return campaign, new_key
        async with self._database.connection("read issue key") as connection:
            key = await wrapped_issue_key(connection, tenant, number, sender.api_key)
        return campaign, unwrapped(key, sender.wrapping_secret, number) if key else b""

    async def extend(
        self,
        tenant: int,
        campaign_id: str,
        *,
        links: Sequence[Link],
        groups: Sequence[NewGroup],
        request: UUID | None,
    ) -> Campaign:
        """Add links, and those of the groups that the campaign does not have yet.

        The `max_mode` of a group that exists cannot be changed; to give another one is an
        error, so that no one relies on a limit that does not apply.

        Raises the same as `create` except CAMPAIGN_ALREADY_EXISTS, and CAMPAIGN_NOT_FOUND,
        CAMPAIGN_CLOSED.
        """
        check_links_and_groups(links, groups)
        number = await self._campaigns.number(tenant, campaign_id)
        content = {"campaign_id": campaign_id, **_content(links, groups)}

        async def work(connection: Connection) -> None:
            is_closed = await storage.lock_campaign(connection, tenant, number)
            if not await request_ids.claim(
                connection, tenant, Method.EXTEND_CAMPAIGN, request, content, self._clock()
            ):
                return
            if is_closed:
                raise HushpostError(Reason.CAMPAIGN_CLOSED, "the campaign is closed")
            await storage.add_groups(connection, tenant, number, groups)
            await storage.add_links(connection, tenant, number, links)
            extended = await storage.campaign(connection, tenant, number)
            if extended is not None:
                check_limits(len(extended.links), len(extended.groups))
                check_max_modes(groups, extended.groups)

        await self._database.transact("extend campaign", work)
        return await self._after_change(tenant, number)

    async def get(self, tenant: int, campaign_id: str) -> Campaign:
        """Return a campaign with its links and groups. Raises CAMPAIGN_NOT_FOUND."""
        return await self._get(tenant, await self._campaigns.number(tenant, campaign_id))

    async def message(self, tenant: int, campaign_id: str) -> str:
        """Return the HTML of a campaign's message.

        Raises CAMPAIGN_NOT_FOUND, CAMPAIGN_MESSAGE_NOT_FOUND.
        """
        number = await self._campaigns.number(tenant, campaign_id)
        async with self._database.connection("get message") as connection:
            html = await storage.message(connection, tenant, number)
        if html is None:
            raise HushpostError(
                Reason.CAMPAIGN_MESSAGE_NOT_FOUND,
                "the campaign was created without the HTML of its message",
            )
        return html

    async def list_campaigns(self, tenant: int, page: CampaignPage) -> tuple[list[Campaign], int]:
        """Return a page of campaigns without links and groups, and the number on all pages."""
        async with self._database.connection("list campaigns") as connection:
            return (
                await storage.list_campaigns(connection, tenant, page),
                await storage.count_campaigns(connection, tenant, page.search),
            )

    async def close(self, tenant: int, campaign_id: str) -> Campaign:
        """Close a campaign permanently. Raises CAMPAIGN_NOT_FOUND."""
        number = await self._campaigns.number(tenant, campaign_id)

        async def work(connection: Connection) -> None:
            await storage.close_campaign(connection, tenant, number)

        await self._database.transact("close campaign", work)
        return await self._get(tenant, number)

    async def links_since(
        self, revision: int, limit: int, tenants: Collection[int] | None
    ) -> tuple[list[LinkRevision], int]:
        """Return links that were added after a revision, in order, and the revision reached.

        Args:
            revision: Where to start.
            limit: The maximum number of links.
            tenants: The tenants of the links; None for all.
        """
        async with self._database.connection("watch links") as connection:
            if tenants is None:
                links = await storage.links_since(connection, revision, limit)
                return links, links[-1].revision if links else revision
            # Read first: links up to here are committed, so those of other tenants can be
            # skipped.
            last = await storage.last_revision(connection)
            links = await storage.links_of_tenants_since(connection, revision, limit, tenants)
        reached = links[-1].revision if links else revision
        return links, reached if len(links) == limit else max(reached, last)

    async def last_revision(self) -> int:
        """Return the revision of the newest link of all tenants."""
        async with self._database.connection("watch links") as connection:
            return await storage.last_revision(connection)

    async def wait_for_new_links(self, seconds: float) -> None:
        """Wait until this process adds links, at most for a time.

        Links that another process adds do not end the wait, so the time bounds how late
        they are noticed.
        """
        await wait_for_event(self._links_added, seconds)

    async def _after_change(self, tenant: int, number: int) -> Campaign:
        """Notify waiting watchers, update the cache, and return the campaign."""
        self._links_added.set()
        self._links_added = asyncio.Event()
        await self._campaigns.read(number)
        return await self._get(tenant, number)

    async def _get(self, tenant: int, number: int) -> Campaign:
        async with self._database.connection("get campaign") as connection:
            found = await storage.campaign(connection, tenant, number)
        if found is None:
            raise _campaign_not_found()
        return found


def _content(links: Sequence[Link], groups: Sequence[NewGroup]) -> dict[str, object]:
    """Return what a request says about links and groups."""
    return {
        "links": [(link.url, link.label) for link in links],
        "groups": [
            (group.group_id, group.expected_messages, group.max_mode or Mode.IDENTIFIED)
            for group in groups
        ],
    }


async def _created_before(
    connection: Connection, tenant: int, request: UUID | None, new: int
) -> int:
    """Return the number of the campaign that an earlier call with this request id created."""
    number = (
        None
        if request is None
        else await request_ids.created_number(
            connection, tenant, Method.CREATE_CAMPAIGN, request, new
        )
    )
    if number is None:
        raise _campaign_not_found()
    return number


def _campaign_not_found() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
