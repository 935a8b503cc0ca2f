"""Warnings about groups in which few stand for each other."""

from contextlib import AsyncExitStack

import pytest

from hushpost_client import IssueWarning, Mode, PolicyUpdate
from tests.conftest import RunningAuthority
from tests.mailing import URLS, clients_of

K = 3


@pytest.mark.parametrize("mode", [Mode.ANONYMOUS, Mode.AGGREGATE])
async def test_a_group_below_the_quorum_is_warned_of(
    authority: RunningAuthority, mode: Mode
) -> None:
    """TokenIssuer warns while a group has messages that name nobody, but fewer than the quorum."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=K, mode_when_unset=mode)
        clients = await clients_of(stack, authority, policy)
        campaigns = clients.sender.campaigns
        await campaigns.create_campaign("spring", links=URLS, groups=["east"])
        few = await campaigns.issue_tokens("spring", "east", ["ann", "bob"])
        enough = await campaigns.issue_tokens("spring", "east", ["cid"])
    assert few.warnings == (IssueWarning.FEW_ANONYMOUS,)
    assert enough.warnings == ()
