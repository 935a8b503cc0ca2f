"""Issues tokens: decides the mode of each message, counts messages as sent, seals tokens."""

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hushpost_service.campaigns.cache import CachedCampaign, CampaignCache
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import ContactPreference, DoNotTrack, Mode
from hushpost_service.domain.validation import checked_batch, checked_contact_ids
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.storage import campaigns, contacts, request_ids
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import ContactsByPreference
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT, TokenCodec
from hushpost_service.tracking.slots import SlotPool

__all__ = ["IssuedTokens", "TokenIssuer", "get_or_create_contacts"]

_UNSET = ContactPreference(DoNotTrack.UNSET)
_MODES_WITH_SLOT = (Mode.IDENTIFIED, Mode.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """The tokens of messages, in the order of the contacts.

    Attributes:
        modes: The mode of each message.
        tokens: The tracking tokens; "" for messages in mode OFF.
        preference_tokens: The preference tokens; "" if they were not requested.
    """

    modes: list[Mode]
    tokens: list[str]
    preference_tokens: list[str]


@dataclass(frozen=True, slots=True)
class _Messages:
    """Messages that were counted as sent, in the order of the contact ids.

    Attributes:
        contacts: The number of each message's contact.
        modes: The mode of each message.
        created: The numbers of contacts that did not exist before.
    """

    contacts: list[int]
    modes: list[Mode]
    created: list[int]


class TokenIssuer:
    """Issues the tokens of a campaign's messages to senders."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        codec: TokenCodec,
        slots: SlotPool,
        contact_numbers: ContactNumbers,
        vacuum: ContactVacuum,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._codec = codec
        self._slots = slots
        self._contact_numbers = contact_numbers
        self._vacuum = vacuum
        self._clock = clock

    async def issue(
        self,
        tenant: int,
        campaign_id: str,
        group_id: str,
        contact_ids: Sequence[str],
        *,
        request: UUID | None,
        with_preference_tokens: bool,
    ) -> IssuedTokens:
        """Issue a token per contact, and count the messages as sent once per request id.

        Contacts that do not exist are created.

        Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, CAMPAIGN_NOT_FOUND,
        GROUP_NOT_FOUND, CAMPAIGN_CLOSED, LIMIT_EXCEEDED, REQUEST_ID_REUSED.
        """
        checked_batch(contact_ids, "contact_ids")
        checked_contact_ids(contact_ids)
        content = {
            "campaign_id": campaign_id,
            "group_id": group_id,
            "contact_ids": contact_ids,
            "with_preference_tokens": with_preference_tokens,
        }
        number = await self._campaigns.number(tenant, campaign_id)
        group = await self._campaigns.group(number, group_id)
        campaign = await self._campaigns.get(number)
        await self._check_open(campaign, request)
        # Take slots before messages are counted. If that failed afterwards, a call without
        # request id would leave a count of messages that have no tokens.
        slots = await self._slots.take(tenant, number, group, len(contact_ids))

        async def work(connection: Connection) -> _Messages:
            return await self._count_as_sent(
                connection, campaign, group, contact_ids, request, content
            )

        try:
            async with self._vacuum.after_write(tenant) as written:
                messages = await self._database.transact("issue tokens", work)
                written.extend(messages.created)
            tokens = self._seal(number, group, messages, slots)
        finally:
            self._slots.give_back(number, group, slots)
        preference_tokens = [""] * len(tokens)
        if with_preference_tokens:
            preference_tokens = self._codec.seal_preferences(tenant, messages.contacts)
        return IssuedTokens(messages.modes, tokens, preference_tokens)

    async def _check_open(self, campaign: CachedCampaign, request: UUID | None) -> None:
        """Raise CAMPAIGN_CLOSED unless the request was carried out before the campaign closed.

        The check runs before slots are taken, so that calls for closed campaigns use none up.
        """
        async with self._database.connection("check campaign") as connection:
            if not await campaigns.is_closed(connection, campaign.tenant, campaign.number):
                return
            if request is None or not await request_ids.is_claimed(
                connection, campaign.tenant, Method.ISSUE_TOKENS, request
            ):
                raise _campaign_closed()

    async def _count_as_sent(
        self,
        connection: Connection,
        campaign: CachedCampaign,
        group: int,
        contact_ids: Sequence[str],
        request: UUID | None,
        content: Mapping[str, object],
    ) -> _Messages:
        """Decide the modes of messages; count them as sent if the request is new."""
        tenant, create_time = campaign.tenant, campaign.create_time
        now = self._clock()
        is_new = await request_ids.claim(
            connection, tenant, Method.ISSUE_TOKENS, request, content, now
        )
        if is_new and await campaigns.is_closed(connection, tenant, campaign.number):
            raise _campaign_closed()
        contact_groups, created = await get_or_create_contacts(
            connection, tenant, contact_ids, create_time, self._contact_numbers
        )
        rule = await self._campaigns.mode_rule(connection, tenant)
        numbers: dict[str, int] = {}
        mode_of: dict[str, Mode] = {}
        for contact_group in contact_groups:
            mode = rule.of_contact(contact_group.preference, create_time)
            numbers |= contact_group.numbers
            mode_of |= dict.fromkeys(contact_group.numbers, mode)
        modes = [mode_of[contact_id] for contact_id in contact_ids]
        if is_new:
            await campaigns.start(connection, tenant, campaign.number, now)
            hour = int(now.timestamp()) // 3600
            await campaigns.add_sent(
                connection, tenant, campaign.number, group, hour, Counter(modes)
            )
        return _Messages(
            contacts=[numbers[contact_id] for contact_id in contact_ids],
            modes=modes,
            created=created,
        )

    def _seal(
        self, campaign: int, group: int, messages: _Messages, slots: "array[int]"
    ) -> list[str]:
        """Return the messages' tokens; removes the slots that they get from `slots`."""
        identified = Mode.IDENTIFIED
        token_contacts = [
            contact if mode is identified else NO_CONTACT
            for contact, mode in zip(messages.contacts, messages.modes, strict=True)
        ]
        token_slots = [
            slots.pop() if mode in _MODES_WITH_SLOT else NO_SLOT for mode in messages.modes
        ]
        tokens = self._codec.seal_batch(campaign, group, token_contacts, token_slots)
        if Mode.OFF not in messages.modes:
            return tokens
        return [
            "" if mode is Mode.OFF else token
            for token, mode in zip(tokens, messages.modes, strict=True)
        ]


def _campaign_closed() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_CLOSED, "the campaign is closed")


async def get_or_create_contacts(
    connection: Connection,
    tenant: int,
    contact_ids: Sequence[str],
    since: datetime,
    numbers: ContactNumbers,
) -> tuple[list[ContactsByPreference], list[int]]:
    """Return contacts grouped by preference, and the numbers of those created.

    Args:
        connection: In a transaction.
        tenant: The tenant of the contacts.
        contact_ids: The contacts; the same id may occur several times.
        since: Creation of the campaign. Preference changes before it do not affect the mode.
        numbers: The numbers of contacts to create.
    """
    # Keep the given order, which a set would lose: sorted ids are adjacent in the index.
    missing = list(dict.fromkeys(contact_ids))
    found: list[ContactsByPreference] = []
    created: list[int] = []
    # Repeat for contacts that another call creates in between, for those that are erased
    # again before they can be read, and for those whose new number is taken.
    while missing:
        for group in await contacts.contacts_by_preference(connection, tenant, missing, since):
            found.append(group)
            missing = _without(missing, group.numbers)
        if missing:
            new = await contacts.try_insert_contacts(connection, tenant, missing, numbers)
            if new is None:
                numbers.change_range()
                new = await contacts.insert_missing_contacts(connection, tenant, missing, numbers)
            found.append(ContactsByPreference(_UNSET, new))
            created += new.values()
            missing = _without(missing, new)
    return found, created


def _without(contact_ids: list[str], found: dict[str, int]) -> list[str]:
    """Return the contact ids that are not in `found`, a subset of them."""
    if len(found) == len(contact_ids):
        return []
    return [contact_id for contact_id in contact_ids if contact_id not in found]
