"""Seals the tokens of messages: one for both purposes, or one for opens and one for clicks. Pure.

Tokens of two purposes are bound to them, so that a message cannot count twice for one.
"""

from dataclasses import dataclass

import numpy as np

from hushpost_service.campaigns.message_indexes import NO_INDEX
from hushpost_service.campaigns.message_modes import LAST_OPEN, ModeNumbers, with_own_click_token
from hushpost_service.domain.consent import ByPurpose, Purpose
from hushpost_service.domain.events import Flags, Numbers
from hushpost_service.domain.modes import Mode
from hushpost_service.tokens.codec import BOTH_PURPOSES, NO_CONTACT, NO_SLOT, TokenCodec
from hushpost_service.tokens.slot_permutation import permuted_slots

__all__ = ["TokenSealer"]


@dataclass(frozen=True, slots=True)
class TokenSealer:
    """Seals the tokens of a group's messages.

    Attributes:
        codec: Seals tokens.
        issue_key: The issue key of the campaign.
        campaign: The number of the campaign.
        group: The number of the group.
        expected_messages: How many messages the sender expects in the group.
    """

    codec: TokenCodec
    issue_key: bytes
    campaign: int
    group: int
    expected_messages: int

    def seal(
        self, contacts: Numbers, modes: ByPurpose[ModeNumbers], indexes: ByPurpose[Numbers]
    ) -> tuple[list[str], dict[int, str]]:
        """Return the token of each message, and those for clicks that are others.

        Args:
            contacts: The number of each message's contact.
            modes: The modes of the messages.
            indexes: The indexes of their slots.

        Returns:
            The tokens of the messages, those of two purposes only for opens; and the tokens
            for clicks of the latter, by position. They are "" where the mode is OFF.
        """
        own = with_own_click_token(modes)
        purposes = np.where(own, np.uint8(Purpose.OPENS), np.uint8(BOTH_PURPOSES))
        # The tokens for clicks follow those for opens.
        tokens = self._sealed(
            np.concatenate([contacts, contacts[own]]),
            np.concatenate([modes.opens, modes.clicks[own]]),
            np.concatenate([indexes.opens, indexes.clicks[own]]),
            np.concatenate([purposes, np.full(np.count_nonzero(own), Purpose.CLICKS, np.uint8)]),
        )
        click_tokens = tokens[len(contacts) :]
        del tokens[len(contacts) :]
        return tokens, dict(zip(np.flatnonzero(own).tolist(), click_tokens, strict=True))

    def _sealed(
        self, contacts: Numbers, modes: ModeNumbers, indexes: Numbers, purposes: ModeNumbers
    ) -> list[str]:
        """Return tokens, each of a contact, a mode, an index and a purpose."""
        has_slot = indexes != NO_INDEX
        slots = np.full(len(indexes), NO_SLOT)
        slots[has_slot] = permuted_slots(
            self.issue_key, self.campaign, self.group, self.expected_messages, indexes[has_slot]
        )
        names_contact: Flags = (modes == Mode.IDENTIFIED) | (modes == LAST_OPEN)
        tokens = self.codec.seal_batch(
            self.campaign,
            self.group,
            np.where(names_contact, contacts, NO_CONTACT).tolist(),
            slots.tolist(),
            purposes.tolist(),
        )
        for position in np.flatnonzero(modes == Mode.OFF).tolist():
            tokens[position] = ""
        return tokens
