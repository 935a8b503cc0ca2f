"""Gives new messages their final modes, and the indexes that their slots are computed from.

The messages of a call are columns: a call has up to 10,000.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import Numbers
from hushpost_service.domain.modes import Mode
from hushpost_service.storage import issuing as storage
from hushpost_service.storage.anonymous_messages import count_messages
from hushpost_service.storage.connection import Connection
from hushpost_service.tokens.slot_permutation import MAX_SLOTS

__all__ = ["NO_INDEX", "MessageBudget", "ModeNumbers", "assign_indexes", "indexes_from"]

ModeNumbers = npt.NDArray[np.uint8]
"""A column of modes, by number."""

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
    modes: ModeNumbers,
    budget: MessageBudget,
) -> tuple[ModeNumbers, int]:
    """Mark contacts as issued to; return the modes of their messages, and the first index.

    The messages that have a slot get consecutive indexes. A contact gets one slot in a
    campaign, so its further messages are AGGREGATE. ANONYMOUS messages beyond the budget are OFF.

    Raises LIMIT_EXCEEDED.
    """
    known = await storage.mark_issued(connection, tenant, campaign, contacts)
    is_further = ~_is_first(contacts) | np.isin(contacts, known)
    modes = np.where(is_further, np.maximum(modes, np.uint8(Mode.AGGREGATE)), modes)
    anonymous = modes == Mode.ANONYMOUS
    if anonymous.any():
        above = await count_messages(
            connection, tenant, budget.period, contacts[anonymous].tolist(), budget.limit
        )
        is_above = anonymous & np.isin(contacts, list(above))
        modes = np.where(is_above, np.uint8(Mode.OFF), modes)
    with_slot = int(np.count_nonzero(_has_slot(modes)))
    count = await storage.add_issued(connection, tenant, campaign, group, with_slot)
    if count > MAX_SLOTS:
        raise HushpostError(
            Reason.LIMIT_EXCEEDED,
            "the group has no slots left; use another group",
            {"field": "contact_ids", "limit": str(MAX_SLOTS)},
        )
    return modes, count - with_slot


def indexes_from(first: int, modes: ModeNumbers) -> Numbers:
    """Number the messages that have a slot, from `first` on; the others get `NO_INDEX`."""
    has_slot = _has_slot(modes)
    return np.where(has_slot, first - 1 + np.cumsum(has_slot), NO_INDEX)


def _is_first(contacts: Numbers) -> npt.NDArray[np.bool_]:
    """Return which messages are the first of their contact."""
    is_first = np.zeros(len(contacts), np.bool_)
    is_first[np.unique(contacts, return_index=True)[1]] = True
    return is_first


def _has_slot(modes: ModeNumbers) -> npt.NDArray[np.bool_]:
    return modes <= Mode.ANONYMOUS
