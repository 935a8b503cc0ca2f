"""Issues tokens: decides the mode of each message, counts messages as sent, seals tokens."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from hushpost_service.campaigns.cache import CachedCampaign, CampaignCache
from hushpost_service.campaigns.contact_creation import get_or_create_contacts
from hushpost_service.campaigns.issue_result import packed_result, unpacked_result
from hushpost_service.campaigns.message_indexes import (
    NO_INDEX,
    MessageBudget,
    ModeNumbers,
    assign_indexes,
    indexes_from,
)
from hushpost_service.campaigns.sender import Sender
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import Numbers
from hushpost_service.domain.message_budget import period_of
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.validation import checked_batch, checked_contact_ids
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.storage import campaigns, request_ids
from hushpost_service.storage import issuing as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT, TokenCodec
from hushpost_service.tokens.issue_keys import issue_key_digest, unwrapped, wrapped
from hushpost_service.tokens.slot_permutation import permuted_slots

__all__ = ["IssuedTokens", "TokenIssuer"]

_MODES = {int(mode): mode for mode in Mode}


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
        modes: The mode of each message, by number.
        indexes: The index of each message that has a slot, among those of its group; else
            `NO_INDEX`.
        created: The numbers of contacts that did not exist before.
    """

    contacts: list[int]
    modes: ModeNumbers
    indexes: Numbers
    created: list[int]


class TokenIssuer:
    """Issues the tokens of a campaign's messages to senders."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        codec: TokenCodec,
        contact_numbers: ContactNumbers,
        vacuum: ContactVacuum,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._codec = codec
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
        sender: Sender,
        request: UUID | None,
        with_preference_tokens: bool,
    ) -> IssuedTokens:
        """Issue a token per contact, and count the messages as sent once per request id.

        A repeated call returns the same tokens. Contacts that do not exist are created. A
        contact has one slot in a campaign: if it occurs again, in this call or after an
        earlier one, its further messages are AGGREGATE. ANONYMOUS messages beyond the
        policy's limit for a contact are OFF.

        Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, CAMPAIGN_NOT_FOUND,
        GROUP_NOT_FOUND, CAMPAIGN_CLOSED, ISSUE_KEY_REQUIRED, ISSUE_KEY_INVALID,
        LIMIT_EXCEEDED, REQUEST_ID_REUSED.
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
        issue_key, expected = await self._issue_key(campaign, group, sender, request)

        async def work(connection: Connection) -> _Messages:
            return await self._count_as_sent(
                connection, campaign, group, contact_ids, request, content
            )

        async with self._vacuum.after_write(tenant) as written:
            messages = await self._database.transact("issue tokens", work)
            written.extend(messages.created)
        has_slot = messages.indexes != NO_INDEX
        slots = np.full(len(has_slot), NO_SLOT)
        slots[has_slot] = permuted_slots(
            issue_key, number, group, expected, messages.indexes[has_slot]
        )
        tokens = self._seal(number, group, messages, slots)
        preference_tokens = [""] * len(tokens)
        if with_preference_tokens:
            preference_tokens = self._codec.seal_preferences(tenant, messages.contacts)
        modes = [_MODES[mode] for mode in messages.modes.tolist()]
        return IssuedTokens(modes, tokens, preference_tokens)

    async def _issue_key(
        self, campaign: CachedCampaign, group: int, sender: Sender, request: UUID | None
    ) -> tuple[bytes, int]:
        """Return the campaign's issue key, and how many messages the group is expected to get.

        Raises CAMPAIGN_CLOSED, unless the request was executed before the campaign closed.
        """
        tenant, number = campaign.tenant, campaign.number
        async with self._database.connection("read issue key") as connection:
            state = await storage.issuing_state(connection, tenant, number, group, sender.api_key)
            if state.is_closed and not (
                request is not None
                and await request_ids.is_claimed(connection, tenant, Method.ISSUE_TOKENS, request)
            ):
                raise _campaign_closed()
            if not sender.issue_key:
                if state.wrapped_key is None:
                    raise HushpostError(
                        Reason.ISSUE_KEY_REQUIRED,
                        "another API key created the campaign; pass the issue_key that "
                        "CreateCampaign returned",
                    )
                key = unwrapped(state.wrapped_key, sender.wrapping_secret, number)
                return key, state.expected_messages
            if issue_key_digest(sender.issue_key) != state.issue_key_digest:
                raise HushpostError(
                    Reason.ISSUE_KEY_INVALID, "the issue_key is not that of the campaign"
                )
            if state.wrapped_key is None:
                await storage.insert_issue_key(
                    connection,
                    tenant,
                    number,
                    sender.api_key,
                    wrapped(sender.issue_key, sender.wrapping_secret, number),
                )
        return sender.issue_key, state.expected_messages

    async def _count_as_sent(
        self,
        connection: Connection,
        campaign: CachedCampaign,
        group: int,
        contact_ids: Sequence[str],
        request: UUID | None,
        content: Mapping[str, object],
    ) -> _Messages:
        """Decide the modes of messages, or read them if the request is repeated."""
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
        mode_of: dict[str, int] = {}
        for contact_group in contact_groups:
            mode = int(rule.of_contact(contact_group.preference, create_time))
            numbers |= contact_group.numbers
            mode_of |= dict.fromkeys(contact_group.numbers, mode)
        contacts = np.array([numbers[contact_id] for contact_id in contact_ids], np.int64)
        if is_new or request is None:
            budget = MessageBudget(rule.policy.max_anonymous_messages, period_of(now))
            modes, first = await assign_indexes(
                connection,
                tenant,
                campaign.number,
                group,
                contacts,
                np.array([mode_of[contact_id] for contact_id in contact_ids], np.uint8),
                budget,
            )
            await campaigns.start(connection, tenant, campaign.number, now)
            await campaigns.add_sent(
                connection,
                tenant,
                campaign.number,
                group,
                int(now.timestamp()) // 3600,
                {_MODES[mode]: count for mode, count in Counter(modes.tolist()).items()},
            )
            if request is not None:
                result = packed_result(request, contacts, modes)
                await request_ids.set_result(
                    connection, tenant, Method.ISSUE_TOKENS, request, first, result
                )
            indexes = indexes_from(first, modes)
        else:
            stored_first, result = await request_ids.result(
                connection, tenant, Method.ISSUE_TOKENS, request
            )
            assert stored_first is not None  # noqa: S101 - stored with the result
            first = stored_first
            modes, is_other = unpacked_result(request, contacts, result)
            indexes = np.where(is_other, NO_INDEX, indexes_from(first, modes))
            modes = np.where(is_other, np.maximum(modes, np.uint8(Mode.AGGREGATE)), modes)
        return _Messages(contacts.tolist(), modes, indexes, created)

    def _seal(self, campaign: int, group: int, messages: _Messages, slots: Numbers) -> list[str]:
        """Return the messages' tokens."""
        is_identified = messages.modes == Mode.IDENTIFIED
        contacts = np.where(is_identified, messages.contacts, NO_CONTACT)
        tokens = self._codec.seal_batch(campaign, group, contacts.tolist(), slots.tolist())
        for position in np.flatnonzero(messages.modes == Mode.OFF).tolist():
            tokens[position] = ""
        return tokens


def _campaign_closed() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_CLOSED, "the campaign is closed")
