"""The recipients of a campaign, and how they are split into batches."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from typing import NamedTuple

__all__ = ["AnyRecipient", "Recipient", "batched"]

_MAX_BATCH_SIZE = 10_000
"""The most contacts that one `IssueTokens` call accepts."""


class Recipient(NamedTuple):
    """A contact that receives the campaign.

    Attributes:
        contact_id: The tenant's id of the contact.
        group_id: The contact's recipient group in this campaign.
        address: Where to send the message. It is returned with the rendered message
            and never sent to the authority.
    """

    contact_id: str
    group_id: str
    address: str = ""


AnyRecipient = Recipient | tuple[str, str]
"""A recipient, or a pair of contact id and group id."""


async def batched(
    recipients: Iterable[AnyRecipient] | AsyncIterable[AnyRecipient], batch_size: int
) -> AsyncGenerator[list[Recipient]]:
    """Split recipients into batches of `batch_size`; the last one may be smaller.

    Raises:
        ValueError: if `batch_size` is not between 1 and 10,000.
    """
    if not 1 <= batch_size <= _MAX_BATCH_SIZE:
        raise ValueError(f"batch_size must be between 1 and {_MAX_BATCH_SIZE}")
    batch: list[Recipient] = []
    async with aclosing(_iterate(recipients)) as iterator:
        async for recipient in iterator:
            batch.append(Recipient(*recipient))
            if len(batch) == batch_size:
                yield batch
                batch = []
    if batch:
        yield batch


async def _iterate(
    recipients: Iterable[AnyRecipient] | AsyncIterable[AnyRecipient],
) -> AsyncGenerator[AnyRecipient]:
    if isinstance(recipients, AsyncIterable):
        async for recipient in recipients:
            yield recipient
    else:
        for recipient in recipients:
            yield recipient
