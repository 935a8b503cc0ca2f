"""Who opted out with `history: KEEP` is in no list of engaged contacts, then or later."""

import pytest

from hushpost_client import DoNotTrack, History, PolicyUpdate
from tests.conftest import Clients
from tests.mailing import send


@pytest.mark.parametrize("back", ["consent", "switch"])
async def test_kept_history_lists_nobody_on_mail_that_is_anonymous(
    exact: Clients, back: str
) -> None:
    """On mail of before, the mode stays ANONYMOUS: consent or the switch lists nobody again."""
    mailing = await send(exact, ["ann"])
    await mailing.open("ann")
    preferences = exact.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE, history=History.KEEP)
    assert await mailing.engaged() == set()
    if back == "consent":
        await preferences.set_preference("ann", DoNotTrack.FALSE)
    else:
        await exact.admin.admin.update_policy(PolicyUpdate(anonymization_enabled=False))
    assert await mailing.engaged() == set()
