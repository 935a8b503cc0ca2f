"""Issues the tokens of a batch of recipients, with retries that count it as sent once."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from uuid import UUID, uuid5

from hushpost_client import (
    DeadlineExceededError,
    Hushpost,
    HushpostError,
    IssuedToken,
    IssuedTokens,
    ResourceExhaustedError,
    RetryPolicy,
    UnavailableError,
)
from hushpost_mail._recipients import Recipient

__all__ = ["IssuedBatch", "TokenBatchIssuer"]

_logger = logging.getLogger("hushpost_mail")

_RETRY_POLICY = RetryPolicy(initial_backoff=0.2, max_backoff=1.0)

_MAX_CONCURRENT_CALLS = 8
"""Per run. A batch can have as many groups as recipients, and each group is one call."""

IssuedBatch = Sequence[tuple[Recipient, IssuedToken]]
"""Recipients with their tokens."""


class TokenBatchIssuer:
    """Issues the tokens of one run, that is, one pass over a campaign's recipients."""

    def __init__(
        self,
        hushpost: Hushpost,
        campaign_id: str,
        *,
        issue_key: bytes | None,
        tenant_id: str | None,
        run_id: UUID,
        retry_seconds: float,
    ) -> None:
        self._hushpost = hushpost
        self._campaign_id = campaign_id
        self._issue_key = issue_key
        self._tenant_id = tenant_id
        self._run_id = run_id
        self._retry_seconds = retry_seconds
        self._call_slots = asyncio.Semaphore(_MAX_CONCURRENT_CALLS)

    async def issue(self, batch_number: int, batch: list[Recipient]) -> IssuedBatch:
        """Issue the tokens of a batch with one call per group, concurrently.

        Raises:
            HushpostError: the error of the first group that failed.
        """
        indices_by_group: dict[str, list[int]] = {}
        for index, recipient in enumerate(batch):
            indices_by_group.setdefault(recipient.group_id, []).append(index)
        tokens_by_group = await self._issue_groups(
            batch_number,
            {
                group_id: [batch[index].contact_id for index in indices]
                for group_id, indices in indices_by_group.items()
            },
        )
        tokens: dict[int, IssuedToken] = {}
        for indices, group_tokens in zip(indices_by_group.values(), tokens_by_group, strict=True):
            tokens.update(zip(indices, group_tokens, strict=True))
        return [(recipient, tokens[index]) for index, recipient in enumerate(batch)]

    async def _issue_groups(
        self, batch_number: int, contact_ids_by_group: dict[str, list[str]]
    ) -> list[tuple[IssuedToken, ...]]:
        try:
            async with asyncio.TaskGroup() as task_group:
                tasks = [
                    task_group.create_task(self._issue_group(batch_number, group_id, contact_ids))
                    for group_id, contact_ids in contact_ids_by_group.items()
                ]
        except ExceptionGroup as failures:
            # Callers handle a single error; the others usually have the same cause.
            raise failures.exceptions[0] from failures
        return [task.result() for task in tasks]

    async def _issue_group(
        self, batch_number: int, group_id: str, contact_ids: list[str]
    ) -> tuple[IssuedToken, ...]:
        # The idempotency key is derived from the run and the batch number, not from the
        # contacts: the authority stores it, and it must not reveal who was in a batch.
        request_id = uuid5(self._run_id, f"{batch_number}/{len(contact_ids)}/{group_id}")
        async with self._call_slots:
            issued = await self._issue_with_retries(group_id, contact_ids, request_id)
        return issued.tokens

    async def _issue_with_retries(
        self, group_id: str, contact_ids: list[str], request_id: UUID
    ) -> IssuedTokens:
        """Retry while the authority is unavailable or overloaded, for `retry_seconds`."""
        deadline = time.monotonic() + self._retry_seconds
        failures = 0
        while True:
            try:
                return await self._hushpost.campaigns.issue_tokens(
                    self._campaign_id,
                    group_id,
                    contact_ids,
                    include_preference_tokens=True,
                    issue_key=self._issue_key,
                    tenant_id=self._tenant_id,
                    request_id=request_id,
                )
            except (UnavailableError, DeadlineExceededError, ResourceExhaustedError) as error:
                failures += 1
                backoff = _RETRY_POLICY.backoff(failures, error.retry_after, random.uniform)
                if not _is_retryable(error) or time.monotonic() + backoff >= deadline:
                    raise
                _logger.warning("issuing tokens failed, retrying in %.1f s: %s", backoff, error)
            await asyncio.sleep(backoff)


def _is_retryable(error: HushpostError) -> bool:
    """RESOURCE_EXHAUSTED without a delay means that the request is too large, not overload."""
    return not isinstance(error, ResourceExhaustedError) or error.retry_after is not None
