"""Issues tokens: decides the mode of each message, counts messages as sent, seals tokens."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from hushpost_service.campaigns.cache import CachedCampaign, CachedGroup, CampaignCache
from hushpost_service.campaigns.contact_creation import get_or_create_contacts
from hushpost_service.campaigns.issue_result import packed_result, unpacked_result
from hushpost_service.campaigns.message_indexes import (
    NO_INDEX,
    MessageBudget,
    assign_indexes,
    indexes_from,
)
from hushpost_service.campaigns.message_modes import (
    LAST_OPEN,
    MODE_OF,
    ModeNumbers,
    first_modes,
    of_other_contacts,
)
from hushpost_service.campaigns.sender import Sender
from hushpost_service.campaigns.token_sealing import TokenSealer
from hushpost_service.domain.consent import ByPurpose, Purpose
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import Numbers
from hushpost_service.domain.message_budget import period_of
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.validation import checked_batch, checked_contact_ids
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.storage import campaigns, last_opens, request_ids
from hushpost_service.storage import issuing as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenant_locks import share_recording
from hushpost_service.tokens.codec import TokenCodec
from hushpost_service.tokens.issue_keys import issue_key_digest, unwrapped, wrapped

__all__ = ["IssuedTokens", "TokenIssuer"]


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """The tokens of messages, in the order of the contacts.

    Attributes:
        modes: The mode of each message's opens.
        tokens: The tracking tokens. If the mode is OFF, "" or a token that only updates the
            date of the contact's last open.
        clicks: The modes and tokens of clicks, by position, where links have a token of
            their own.
        preference_tokens: The preference tokens; "" if they were not requested.
    """

    modes: list[Mode]
    tokens: list[str]
    clicks: dict[int, tuple[Mode, str]]
    preference_tokens: list[str]


@dataclass(frozen=True, slots=True)
class _Messages:
    """Messages that were counted as sent, in the order of the contact ids.

    Attributes:
        contacts: The number of each message's contact.
        modes: The modes of each message.
        indexes: The indexes of each message's slots, among those of its group; `NO_INDEX`
            for none.
        created: The numbers of contacts that did not exist before.
    """

    contacts: Numbers
    modes: ByPurpose[ModeNumbers]
    indexes: ByPurpose[Numbers]
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

        A repeated call returns the same tokens. Contacts that do not exist are created. If
        a contact occurs again in a campaign, in this call or after an earlier one, its
        further messages are AGGREGATE: it has one slot for opens and one for clicks, which
        can be the same. ANONYMOUS messages beyond the policy's limit for a contact are OFF.

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
        issue_key, expected = await self._issue_key(campaign, group.number, sender, request)

        async def work(connection: Connection) -> _Messages:
            return await self._count_as_sent(
                connection, campaign, group, contact_ids, request, content
            )

        async with self._vacuum.after_write(tenant) as written:
            messages = await self._database.transact("issue tokens", work)
            written.extend(messages.created)
        sealer = TokenSealer(self._codec, issue_key, number, group.number, expected)
        tokens, click_tokens = sealer.seal(messages.contacts, messages.modes, messages.indexes)
        preference_tokens = [""] * len(tokens)
        if with_preference_tokens:
            preference_tokens = self._codec.seal_preferences(tenant, messages.contacts.tolist())
        modes = [MODE_OF[mode] for mode in messages.modes.opens.tolist()]
        click_modes = messages.modes.clicks
        clicks = {
            position: (MODE_OF[int(click_modes[position])], token)
            for position, token in click_tokens.items()
        }
        return IssuedTokens(modes, tokens, clicks, preference_tokens)

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
        group: CachedGroup,
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
            connection,
            tenant,
            contact_ids,
            create_time,
            self._contact_numbers,
            self._database.kind,
        )
        numbers: dict[str, int] = {}
        kind_of: dict[str, int] = {}
        for kind, alike in enumerate(contact_groups):
            numbers |= alike.numbers
            kind_of |= dict.fromkeys(alike.numbers, kind)
        contacts = np.array([numbers[contact_id] for contact_id in contact_ids], np.int64)
        if request is not None and not is_new:
            modes, indexes = await _repeated(connection, tenant, request, contacts)
            return _Messages(contacts, modes, indexes, created)
        rule = await self._campaigns.mode_rule(connection, tenant)
        by_kind = [
            first_modes(rule, alike.preference, create_time, group.max_mode)
            for alike in contact_groups
        ]
        kinds = np.array([kind_of[contact_id] for contact_id in contact_ids])
        modes, first = await assign_indexes(
            connection,
            tenant,
            campaign.number,
            group.number,
            contacts,
            ByPurpose(
                *(np.array(column, np.uint8)[kinds] for column in zip(*by_kind, strict=True))
            ),
            MessageBudget(rule.policy.max_anonymous_messages, period_of(now)),
        )
        await _count_messages(connection, campaign, group, modes, now)
        if request is not None:
            result = packed_result(request, contacts, modes)
            await request_ids.set_result(
                connection, tenant, Method.ISSUE_TOKENS, request, first, result
            )
        of_last_opens = contacts[modes.opens == LAST_OPEN]
        if len(of_last_opens):
            await share_recording(connection, self._database.kind, tenant)
            today = now.astimezone(UTC).date()
            await last_opens.insert_last_opens(connection, tenant, of_last_opens.tolist(), today)
        return _Messages(contacts, modes, indexes_from(first, modes), created)


async def _count_messages(
    connection: Connection,
    campaign: CachedCampaign,
    group: CachedGroup,
    modes: ByPurpose[ModeNumbers],
    now: datetime,
) -> None:
    """Count messages as sent, and start the schedule of releases with the first one."""
    place = (campaign.tenant, campaign.number)
    await campaigns.start(connection, *place, now)
    sent: Counter[tuple[Purpose, Mode]] = Counter()
    for purpose in Purpose:
        for mode, messages in Counter(modes.of(purpose).tolist()).items():
            sent[purpose, MODE_OF[mode]] += messages
    await campaigns.add_sent(connection, *place, group.number, int(now.timestamp()) // 3600, sent)


async def _repeated(
    connection: Connection, tenant: int, request: UUID, contacts: Numbers
) -> tuple[ByPurpose[ModeNumbers], ByPurpose[Numbers]]:
    """Return the modes and the indexes of messages as they were issued.

    Contacts that were created anew since get tokens that do not tell them apart.
    """
    first, result = await request_ids.result(connection, tenant, Method.ISSUE_TOKENS, request)
    assert first is not None  # noqa: S101 - stored with the result
    modes, is_other = unpacked_result(request, contacts, result)
    indexes = ByPurpose(
        *(np.where(is_other, NO_INDEX, column) for column in indexes_from(first, modes))
    )
    return of_other_contacts(modes, is_other), indexes


def _campaign_closed() -> HushpostError:
    return HushpostError(Reason.CAMPAIGN_CLOSED, "the campaign is closed")
