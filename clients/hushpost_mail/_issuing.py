"""Asks the authority for the tokens of a batch, until it answers, so that it counts once."""

import asyncio
import logging
import random
import time
from uuid import UUID, uuid5

from hushpost_client import (
    DeadlineExceededError,
    Hushpost,
    HushpostError,
    IssuedToken,
    IssuedTokens,
    IssueWarning,
    Mode,
    ResourceExhaustedError,
    RetryPolicy,
    UnavailableError,
)
from hushpost_mail._ahead import Batch, Recipient

__all__ = ["TokenDesk"]

_logger = logging.getLogger("hushpost_mail")

_BACKOFF = RetryPolicy(initial_backoff=0.2, max_backoff=5.0)

_CALLS_AT_ONCE = 8
"""Of one run: a batch may hold as many groups as recipients."""


class TokenDesk:
    """Issues tokens for one run over a campaign's recipients."""

    def __init__(
        self,
        hushpost: Hushpost,
        campaign_id: str,
        tenant_id: str,
        run_id: UUID,
        patience: float,
    ) -> None:
        self._hushpost = hushpost
        self._campaign_id = campaign_id
        self._tenant_id = tenant_id
        self._run_id = run_id
        self._patience = patience
        self._turns = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._warned: set[str] = set()
        self._over_quorum: set[str] = set()

    async def issue(self, number: int, batch: list[Recipient]) -> Batch:
        """Ask for the tokens of a batch, one call per group. Raises HushpostError."""
        groups: dict[str, list[int]] = {}
        for index, recipient in enumerate(batch):
            groups.setdefault(recipient.group_id, []).append(index)
        answers = await self._issue_groups(
            number,
            {
                group_id: [batch[index].contact_id for index in indices]
                for group_id, indices in groups.items()
            },
        )
        issued: dict[int, IssuedToken] = {}
        for indices, tokens in zip(groups.values(), answers, strict=True):
            issued.update(zip(indices, tokens, strict=True))
        return [(recipient, issued[index]) for index, recipient in enumerate(batch)]

    def warn(self) -> None:
        """Log the groups whose anonymous numbers may never be published."""
        few = sorted(self._warned - self._over_quorum)
        if few:
            _logger.warning(
                "campaign %s has groups with fewer anonymous messages than the quorum: %s",
                self._campaign_id,
                ", ".join(few),
            )

    async def _issue_groups(
        self, number: int, groups: dict[str, list[str]]
    ) -> list[tuple[IssuedToken, ...]]:
        try:
            async with asyncio.TaskGroup() as calls:
                under_way = [
                    calls.create_task(self._issue_group(number, group_id, contact_ids))
                    for group_id, contact_ids in groups.items()
                ]
        except ExceptionGroup as failures:
            # Callers handle one error; the others are of the same cause.
            raise failures.exceptions[0] from failures
        return [call.result() for call in under_way]

    async def _issue_group(
        self, number: int, group_id: str, contact_ids: list[str]
    ) -> tuple[IssuedToken, ...]:
        # Fixed before the first try. Of the run and the batch's number, not of
        # the contacts: a stored receipt must not tell whom a batch was for.
        request_id = uuid5(self._run_id, f"{number}/{len(contact_ids)}/{group_id}")
        async with self._turns:
            answer = await self._insist(group_id, contact_ids, request_id)
        # Batches are counted in any order. The one that brought the group over
        # the quorum had anonymous messages and no warning.
        if IssueWarning.FEW_ANONYMOUS in answer.warnings:
            self._warned.add(group_id)
        elif any(token.mode is Mode.ANONYMOUS for token in answer.tokens):
            self._over_quorum.add(group_id)
        return answer.tokens

    async def _insist(
        self, group_id: str, contact_ids: list[str], request_id: UUID
    ) -> IssuedTokens:
        """Call until there is an answer, an error that waiting can't mend, or no patience left."""
        end = time.monotonic() + self._patience
        failures = 0
        while True:
            try:
                return await self._hushpost.campaigns.issue_tokens(
                    self._campaign_id,
                    group_id,
                    contact_ids,
                    include_preference_tokens=True,
                    tenant_id=self._tenant_id,
                    request_id=request_id,
                )
            except (UnavailableError, DeadlineExceededError, ResourceExhaustedError) as error:
                failures += 1
                wait = _BACKOFF.backoff(failures, error.retry_after, random.uniform)
                if not _passes(error) or time.monotonic() + wait >= end:
                    raise
                _logger.warning("asking for tokens again in %.1f s: %s", wait, error)
            await asyncio.sleep(wait)


def _passes(error: HushpostError) -> bool:
    """Answer whether time may mend an error: an overload does pass, a message too big does not."""
    return not isinstance(error, ResourceExhaustedError) or error.retry_after is not None
