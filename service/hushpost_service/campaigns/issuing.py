"""Issues tokens: decides each message's mode and counts it as sent."""

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hushpost_service.campaigns.cache import CachedCampaign, CampaignCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import ContactPreference, DoNotTrack, Mode
from hushpost_service.domain.validation import checked_batch, checked_contact_ids
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.storage import campaigns, contacts, receipts
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import ContactsByPreference
from hushpost_service.storage.database import Database
from hushpost_service.storage.receipts import Method
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT, TokenCodec
from hushpost_service.tracking.slots import SlotPool

__all__ = ["IssuedTokens", "TokenIssuer", "known_contacts"]

_UNSET = ContactPreference(DoNotTrack.UNSET)
_SLOTTED = (Mode.IDENTIFIED, Mode.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What messages carry, in the order of the contacts.

    A token is empty when the mode is OFF, a preference token when it was not
    asked for. `few_anonymous`: fewer messages than the quorum went to the
    group in a mode that names nobody.
    """

    modes: list[Mode]
    tokens: list[str]
    preference_tokens: list[str]
    few_anonymous: bool


@dataclass(frozen=True, slots=True)
class _Messages:
    """The contacts' numbers, and the messages' modes."""

    contacts: list[int]
    modes: list[Mode]
    few_anonymous: bool
    made_known: list[int]


class TokenIssuer:
    """What senders ask for tokens."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        codec: TokenCodec,
        slots: SlotPool,
        vacuum: ContactVacuum,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._codec = codec
        self._slots = slots
        self._vacuum = vacuum
        self._clock = clock

    async def issue(
        self,
        tenant: int,
        campaign_id: str,
        group_id: str,
        contact_ids: Sequence[str],
        request: UUID | None,
        *,
        with_preference_tokens: bool,
    ) -> IssuedTokens:
        """Issue a token per contact of a group, and count them as sent once.

        Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID,
        CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, CAMPAIGN_CLOSED.
        """
        checked_batch(contact_ids, "contact_ids")
        checked_contact_ids(contact_ids)
        campaign = await self._campaigns.number(tenant, campaign_id)
        group = await self._campaigns.group(campaign, group_id)
        facts = await self._campaigns.get(campaign)
        await self._check_open(facts, request)
        # Taken before the messages are counted: without a request id, a count
        # that no tokens follow could not be taken back.
        slots = await self._slots.take(tenant, campaign, group, len(contact_ids))

        async def work(connection: Connection) -> _Messages:
            return await self._count(connection, facts, group, contact_ids, request)

        try:
            async with self._vacuum.after_commit(tenant) as written:
                messages = await self._database.transact("issue tokens", work)
                written.extend(messages.made_known)
            tokens = self._sealed(campaign, group, messages, slots)
        finally:
            self._slots.give_back(campaign, group, slots)
        preference_tokens = [""] * len(tokens)
        if with_preference_tokens:
            preference_tokens = self._codec.seal_preferences(tenant, messages.contacts)
        return IssuedTokens(messages.modes, tokens, preference_tokens, messages.few_anonymous)

    async def _check_open(self, facts: CachedCampaign, request: UUID | None) -> None:
        """Raise CAMPAIGN_CLOSED, before slots are taken, unless the request was carried out."""
        async with self._database.connection("check campaign") as connection:
            if not await campaigns.is_closed(connection, facts.tenant, facts.number):
                return
            if request is None or not await receipts.is_known(
                connection, facts.tenant, Method.ISSUE_TOKENS, request
            ):
                raise _closed()

    async def _count(
        self,
        connection: Connection,
        facts: CachedCampaign,
        group: int,
        contact_ids: Sequence[str],
        request: UUID | None,
    ) -> _Messages:
        """Decide the messages' modes and count them as sent, unless that was done before."""
        tenant, campaign = facts.tenant, facts.number
        now = self._clock()
        is_new = await receipts.file_receipt(connection, tenant, Method.ISSUE_TOKENS, request, now)
        if is_new and await campaigns.is_closed(connection, tenant, campaign):
            raise _closed()
        found, made_known = await known_contacts(connection, tenant, contact_ids, facts.create_time)
        rule = await self._campaigns.mode_rule(connection, tenant)
        numbers: dict[str, int] = {}
        mode_of: dict[str, Mode] = {}
        for contacts_by_preference in found:
            mode = rule.of_contact(contacts_by_preference.preference, facts.create_time)
            numbers |= contacts_by_preference.numbers
            mode_of |= dict.fromkeys(contacts_by_preference.numbers, mode)
        modes = [mode_of[contact_id] for contact_id in contact_ids]
        if is_new:
            hour = int(now.timestamp()) // 3600
            await campaigns.add_sent(connection, tenant, campaign, group, hour, Counter(modes))
        sent = await campaigns.group_sent(connection, tenant, campaign, group)
        quorum = rule.quorum(facts.create_time)
        few = any(0 < sent.get(mode, 0) < quorum for mode in (Mode.ANONYMOUS, Mode.AGGREGATE))
        return _Messages([numbers[name] for name in contact_ids], modes, few, made_known)

    def _sealed(
        self, campaign: int, group: int, messages: _Messages, slots: "array[int]"
    ) -> list[str]:
        """Return the messages' tokens; takes the slots that they need off the end."""
        identified = Mode.IDENTIFIED
        named = [
            contact if mode is identified else NO_CONTACT
            for contact, mode in zip(messages.contacts, messages.modes, strict=True)
        ]
        places = [slots.pop() if mode in _SLOTTED else NO_SLOT for mode in messages.modes]
        tokens = self._codec.seal_batch(campaign, group, named, places)
        if Mode.OFF not in messages.modes:
            return tokens
        return [
            "" if mode is Mode.OFF else token
            for token, mode in zip(tokens, messages.modes, strict=True)
        ]


def _closed() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_CLOSED, "the campaign is closed")


async def known_contacts(
    connection: Connection, tenant: int, contact_ids: Sequence[str], since: datetime
) -> tuple[list[ContactsByPreference], list[int]]:
    """Return the contacts, and the numbers of those that had to be made known."""
    # In the given order: of sorted ids the database finds one beside the other.
    missing = list(dict.fromkeys(contact_ids))
    found: list[ContactsByPreference] = []
    made_known: list[int] = []
    # Again for whoever another call makes known meanwhile, and for whoever is
    # erased before that can be read.
    while missing:
        for contacts_by_preference in await contacts.contacts_by_preference(
            connection, tenant, missing, since
        ):
            found.append(contacts_by_preference)
            missing = _left(missing, contacts_by_preference.numbers)
        if missing:
            new = await contacts.make_known(connection, tenant, missing)
            if new is None:
                new = await contacts.insert_contacts(connection, tenant, missing)
            found.append(ContactsByPreference(_UNSET, new))
            made_known += new.values()
            missing = _left(missing, new)
    return found, made_known


def _left(missing: list[str], found: dict[str, int]) -> list[str]:
    """Return the missing who are not among those found of them."""
    if len(found) == len(missing):
        return []
    return [name for name in missing if name not in found]
