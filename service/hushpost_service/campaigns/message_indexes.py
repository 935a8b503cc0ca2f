"""Gives new messages the modes they get at most, and the indexes that their slots come from."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import Mode
from hushpost_service.storage import issuing as storage
from hushpost_service.storage.anonymous_messages import count_messages
from hushpost_service.storage.connection import Connection
from hushpost_service.tokens.slot_permutation import MAX_SLOTS

__all__ = ["MessageBudget", "assign_indexes", "indexes_from"]

_MODES_WITH_SLOT = (Mode.IDENTIFIED, Mode.ANONYMOUS)


class MessageBudget(NamedTuple):
    """How many ANONYMOUS messages a contact gets until the end of a period."""

    limit: int
    period: int


async def assign_indexes(
    connection: Connection,
    tenant: int,
    campaign: int,
    group: int,
    contacts: Sequence[int],
    modes: Sequence[Mode],
    budget: MessageBudget,
) -> tuple[list[Mode], int]:
    """Mark contacts as issued to; return the modes of their messages, and the first index.

    The messages that have a slot get consecutive indexes. A contact gets one slot in a
    campaign, so its further messages are AGGREGATE. ANONYMOUS messages beyond the budget are OFF.

    Raises LIMIT_EXCEEDED.
    """
    known = await storage.mark_issued(connection, tenant, campaign, contacts)
    limited = []
    for contact, mode in zip(contacts, modes, strict=True):
        limited.append(max(mode, Mode.AGGREGATE) if contact in known else mode)
        known.add(contact)
    anonymous = {
        contact for contact, mode in zip(contacts, limited, strict=True) if mode is Mode.ANONYMOUS
    }
    if anonymous:
        above = await count_messages(connection, tenant, budget.period, anonymous, budget.limit)
        limited = [
            Mode.OFF if mode is Mode.ANONYMOUS and contact in above else mode
            for contact, mode in zip(contacts, limited, strict=True)
        ]
    with_slot = sum(mode in _MODES_WITH_SLOT for mode in limited)
    count = await storage.add_issued(connection, tenant, campaign, group, with_slot)
    if count > MAX_SLOTS:
        raise HushpostError(
            Reason.LIMIT_EXCEEDED,
            "the group has no slots left; use another group",
            {"field": "contact_ids", "limit": str(MAX_SLOTS)},
        )
    return limited, count - with_slot


def indexes_from(first: int, modes: Sequence[Mode]) -> list[int | None]:
    """Number the messages that have a slot, from `first` on."""
    numbers = itertools.count(first)
    return [next(numbers) if mode in _MODES_WITH_SLOT else None for mode in modes]
