"""Takes recipients in batches and asks for their tokens before they are needed."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Coroutine,
    Iterable,
    Sequence,
)
from contextlib import aclosing
from typing import Any, NamedTuple

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
    async with aclosing(_each(recipients)) as each:
        async for recipient in each:
            batch.append(Recipient(*recipient))
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


async def tokens_ahead(
    batches: AsyncIterable[list[Recipient]],
    issue: Callable[[int, list[Recipient]], Coroutine[Any, Any, Batch]],
    ahead: int,
) -> AsyncGenerator[Batch]:
    """Answer the batches in order, with up to `ahead` later ones under way.

    `issue` is given the number of the batch, too.
    """
    under_way: deque[asyncio.Task[Batch]] = deque()
    number = 0
    try:
        async for batch in batches:
            under_way.append(asyncio.create_task(issue(number, batch)))
            number += 1
            if len(under_way) > ahead:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _each(
    recipients: Iterable[Recipient | tuple[str, str]] | AsyncIterable[Recipient | tuple[str, str]],
) -> AsyncGenerator[Recipient | tuple[str, str]]:
    if isinstance(recipients, AsyncIterable):
        async for recipient in recipients:
            yield recipient
    else:
        for recipient in recipients:
            yield recipient
