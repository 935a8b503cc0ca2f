"""Requests the tokens of later batches while earlier batches are being sent."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine
from typing import Any

from hushpost_mail._recipients import Recipient
from hushpost_mail._token_batches import IssuedBatch

__all__ = ["prefetch_tokens"]


async def prefetch_tokens(
    batches: AsyncIterable[list[Recipient]],
    issue: Callable[[int, list[Recipient]], Coroutine[Any, Any, IssuedBatch]],
    prefetch: int,
) -> AsyncGenerator[IssuedBatch]:
    """Issue tokens for each batch and yield the results in order.

    Closing the generator cancels the requests in flight.

    Args:
        batches: The recipients.
        issue: Issues the tokens of one batch, given its number from 0.
        prefetch: How many batches are requested in advance.
    """
    in_flight: deque[asyncio.Task[IssuedBatch]] = deque()
    batch_number = 0
    try:
        async for batch in batches:
            in_flight.append(asyncio.create_task(issue(batch_number, batch)))
            batch_number += 1
            if len(in_flight) > prefetch:
                yield await in_flight.popleft()
        while in_flight:
            yield await in_flight.popleft()
    finally:
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
