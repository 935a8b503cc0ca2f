"""The warning about groups with fewer anonymous messages than the quorum."""

from contextlib import AsyncExitStack

import pytest

from hushpost_client import IssueWarning, Mode, PolicyUpdate
from tests.conftest import RunningAuthority
from tests.mailing import URLS, clients_of

QUORUM = 3


@pytest.mark.parametrize("mode", [Mode.ANONYMOUS, Mode.AGGREGATE])
async def test_a_group_below_the_quorum_causes_a_warning(
    authority: RunningAuthority, mode: Mode
) -> None:
    """IssueTokens warns while a group has been sent fewer anonymous messages than the quorum."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=QUORUM, mode_when_unset=mode)
        clients = await clients_of(stack, authority, policy)
        campaigns = clients.sender.campaigns
        await campaigns.create_campaign("spring", links=URLS, groups=["east"])
        below = await campaigns.issue_tokens("spring", "east", ["ann", "bob"])
        reached = await campaigns.issue_tokens("spring", "east", ["cid"])
    assert below.warnings == (IssueWarning.FEW_ANONYMOUS,)
    assert reached.warnings == ()
