"""Gives new messages their final modes, and the indexes that their slots are computed from.

The messages of a call are columns: a call has up to 10,000.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hushpost_service.campaigns.message_modes import ModeNumbers, at_least, with_own_click_token
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import Flags, Numbers
from hushpost_service.domain.modes import Mode
from hushpost_service.storage import issuing as storage
from hushpost_service.storage.anonymous_messages import count_messages
from hushpost_service.storage.connection import Connection
from hushpost_service.tokens.slot_permutation import MAX_SLOTS

__all__ = ["NO_INDEX", "MessageBudget", "assign_indexes", "indexes_from"]

NO_INDEX = -1
"""The index of a message without a slot."""


class MessageBudget(NamedTuple):
    """How many ANONYMOUS messages a contact gets until the end of a period."""

    limit: int
    period: int


async def assign_indexes(
    connection: Connection,
    tenant: int,
    campaign: int,
    group: int,
    contacts: Numbers,
    modes: ByPurpose[ModeNumbers],
    budget: MessageBudget,
) -> tuple[ByPurpose[ModeNumbers], int]:
    """Mark contacts as issued to; return the modes of their messages, and the first index.

    The slots of the messages get consecutive indexes. A contact gets one slot per purpose in
    a campaign, so its further messages are AGGREGATE. A message counts once in the budget if
    opens or clicks are ANONYMOUS; beyond the budget, these are OFF.

    Raises LIMIT_EXCEEDED.
    """
    known = await storage.mark_issued(connection, tenant, campaign, contacts)
    is_further = ~_is_first(contacts) | np.isin(contacts, known)
    modes = ByPurpose(*(at_least(column, Mode.AGGREGATE, is_further) for column in modes))
    anonymous = (modes.opens == Mode.ANONYMOUS) | (modes.clicks == Mode.ANONYMOUS)
    if anonymous.any():
        above = await count_messages(
            connection, tenant, budget.period, contacts[anonymous].tolist(), budget.limit
        )
        is_above = anonymous & np.isin(contacts, list(above))
        modes = ByPurpose(
            *(at_least(column, Mode.OFF, is_above & (column == Mode.ANONYMOUS)) for column in modes)
        )
    slots = int(_slots(modes).sum())
    count = await storage.add_issued(connection, tenant, campaign, group, slots)
    if count > MAX_SLOTS:
        raise HushpostError(
            Reason.LIMIT_EXCEEDED,
            "the group has no slots left; use another group",
            {"field": "contact_ids", "limit": str(MAX_SLOTS)},
        )
    return modes, count - slots


def indexes_from(first: int, modes: ByPurpose[ModeNumbers]) -> ByPurpose[Numbers]:
    """Number the slots of opens and of clicks, from `first` on; those without get `NO_INDEX`.

    A message has one slot if one token is for both purposes, else one per token that needs
    it, so that the two cannot be told to be of the same message.
    """
    slots = _slots(modes)
    start = first + np.cumsum(slots) - slots
    opens, clicks = _have_slot(modes)
    own = with_own_click_token(modes)
    return ByPurpose(
        np.where(opens, start, NO_INDEX), np.where(clicks, start + (opens & own), NO_INDEX)
    )


def _is_first(contacts: Numbers) -> npt.NDArray[np.bool_]:
    """Return which messages are the first of their contact."""
    is_first = np.zeros(len(contacts), np.bool_)
    is_first[np.unique(contacts, return_index=True)[1]] = True
    return is_first


def _slots(modes: ByPurpose[ModeNumbers]) -> Numbers:
    """Return how many slots each message has: 0, 1 or 2."""
    opens, clicks = _have_slot(modes)
    both = opens & clicks & with_own_click_token(modes)
    return (opens | clicks).astype(np.int64) + both


def _have_slot(modes: ByPurpose[ModeNumbers]) -> ByPurpose[Flags]:
    """Return whose opens, and whose clicks, have a slot."""
    return ByPurpose(modes.opens <= Mode.ANONYMOUS, modes.clicks <= Mode.ANONYMOUS)
