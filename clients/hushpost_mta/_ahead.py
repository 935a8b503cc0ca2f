"""Takes recipients in batches and asks for their tokens before they are needed."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Sequence,
)
from typing import NamedTuple

from hushpost_client import IssuedToken

__all__ = ["Batch", "Recipient", "in_batches", "tokens_ahead"]

_MAX_BATCH = 10_000
"""Contacts of one call; the contract's bound (`IssueTokens`)."""


class Recipient(NamedTuple):
    """Whom a message goes to.

    Attributes:
        contact_id: The tenant's id of the contact.
        group_id: The group it is in, for this campaign.
        address: Where to send the message; comes back with it and goes nowhere else.
    """

    contact_id: str
    group_id: str
    address: str = ""


Batch = Sequence[tuple[Recipient, IssuedToken]]
"""Recipients with what was issued for them."""


async def in_batches(
    recipients: Iterable[Recipient | tuple[str, str]] | AsyncIterable[Recipient | tuple[str, str]],
    size: int,
) -> AsyncGenerator[list[Recipient]]:
    """Gather recipients into batches. Raises ValueError for a size out of bounds."""
    if not 1 <= size <= _MAX_BATCH:
        raise ValueError(f"a batch has 1 to {_MAX_BATCH} recipients")
    batch: list[Recipient] = []
    async for recipient in _each(recipients):
        batch.append(Recipient(*recipient))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def tokens_ahead(
    batches: AsyncIterable[list[Recipient]],
    issue: Callable[[int, list[Recipient]], Awaitable[Batch]],
    ahead: int,
) -> AsyncGenerator[Batch]:
    """Answer the batches in order, with up to `ahead` later ones under way.

    `issue` is given the number of the batch, too.
    """
    under_way: deque[asyncio.Task[Batch]] = deque()
    number = 0
    try:
        async for batch in batches:
            under_way.append(asyncio.ensure_future(_started(issue, number, batch)))
            number += 1
            if len(under_way) > ahead:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _started(
    issue: Callable[[int, list[Recipient]], Awaitable[Batch]], number: int, batch: list[Recipient]
) -> Batch:
    return await issue(number, batch)


async def _each(
    recipients: Iterable[Recipient | tuple[str, str]] | AsyncIterable[Recipient | tuple[str, str]],
) -> AsyncIterator[Recipient | tuple[str, str]]:
    if isinstance(recipients, AsyncIterable):
        async for recipient in recipients:
            yield recipient
    else:
        for recipient in recipients:
            yield recipient
