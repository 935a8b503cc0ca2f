"""Limits of the modes of a campaign and of its groups: stricter than consent, never looser."""

from itertools import product
from uuid import uuid4

import pytest

from hushpost_client import (
    AlreadyExistsError,
    DoNotTrack,
    ErrorReason,
    Hushpost,
    InvalidArgumentError,
    Mode,
    NewGroup,
)
from tests.conftest import Clients

CONTACTS = ["agreed", "declined"]


@pytest.fixture
async def sender(exact_clients: Clients) -> Hushpost:
    """A client of a tenant with a contact that agreed and one that declined."""
    preferences = exact_clients.sender.preferences
    await preferences.set_preference("agreed", DoNotTrack.FALSE)
    await preferences.set_preference("declined", DoNotTrack.TRUE)
    return exact_clients.sender


async def _modes(sender: Hushpost, group: str, campaign: str = "spring") -> list[Mode | None]:
    issued = await sender.campaigns.issue_tokens(campaign, group, CONTACTS)
    assert all(token.click_mode == token.mode for token in issued.tokens)
    return [token.mode for token in issued.tokens]


def _stricter(*modes: Mode) -> Mode:
    order = list(Mode)
    return max(modes, key=order.index)


@pytest.mark.parametrize(("of_campaign", "of_group"), list(product([None, *Mode], repeat=2)))
async def test_the_strictest_of_consent_campaign_and_group_counts(
    sender: Hushpost, of_campaign: Mode | None, of_group: Mode | None
) -> None:
    """Each combination; a loose limit does not loosen what consent says."""
    created = await sender.campaigns.create_campaign(
        "spring", groups=[NewGroup("readers", max_mode=of_group)], max_mode=of_campaign
    )
    campaign, group = of_campaign or Mode.IDENTIFIED, of_group or Mode.IDENTIFIED
    for found in (created, await sender.campaigns.get_campaign("spring")):
        assert (found.max_mode, found.group_max_modes) == (campaign, {"readers": group})
    assert await _modes(sender, "readers") == [
        _stricter(campaign, group),
        _stricter(campaign, group, Mode.ANONYMOUS),
    ]


async def test_a_campaign_limits_groups_that_are_added_later(sender: Hushpost) -> None:
    """Extending a campaign cannot get around its limit."""
    await sender.campaigns.create_campaign("spring", max_mode=Mode.AGGREGATE)
    await sender.campaigns.extend_campaign(
        "spring", groups=[NewGroup("readers", max_mode=Mode.IDENTIFIED)]
    )
    assert await _modes(sender, "readers") == [Mode.AGGREGATE] * 2


@pytest.mark.parametrize("given", Mode)
async def test_the_limit_of_a_group_cannot_be_changed(sender: Hushpost, given: Mode) -> None:
    """Extending a campaign with a group that it has keeps the limit; another one is an error."""
    await sender.campaigns.create_campaign(
        "spring", groups=[NewGroup("readers", max_mode=Mode.AGGREGATE)]
    )
    extend = sender.campaigns.extend_campaign
    await extend("spring", groups=["readers"])
    before = await sender.campaigns.get_campaign("spring")
    groups = [NewGroup("new"), NewGroup("readers", max_mode=given)]
    if given is Mode.AGGREGATE:
        await extend("spring", groups=groups)
    else:
        with pytest.raises(InvalidArgumentError) as caught:
            await extend("spring", groups=groups, links=["https://shop.example.com/new"])
        assert caught.value.reason is ErrorReason.FIELD_INVALID
        assert caught.value.metadata["field"] == "max_mode"
        assert "the group 'readers' has the max_mode " in str(caught.value)
        assert await sender.campaigns.get_campaign("spring") == before
    assert await _modes(sender, "readers") == [Mode.AGGREGATE] * 2


async def test_creating_a_campaign_again_does_not_change_its_limit(sender: Hushpost) -> None:
    """Neither a repeated request nor another one."""
    request = uuid4()
    create = sender.campaigns.create_campaign
    groups = [NewGroup("readers", max_mode=Mode.ANONYMOUS)]
    await create("spring", groups=groups, max_mode=Mode.AGGREGATE, request_id=request)
    for repeated in (request, None):
        with pytest.raises(AlreadyExistsError):
            await create("spring", groups=groups, max_mode=Mode.IDENTIFIED, request_id=repeated)
    assert await _modes(sender, "readers") == [Mode.AGGREGATE] * 2


async def test_a_further_message_is_not_looser_than_its_group(sender: Hushpost) -> None:
    """It is AGGREGATE in general, and OFF where the group is OFF."""
    groups = [NewGroup("readers"), NewGroup("off", max_mode=Mode.OFF)]
    await sender.campaigns.create_campaign("spring", groups=groups)
    assert await _modes(sender, "readers") == [Mode.IDENTIFIED, Mode.ANONYMOUS]
    assert await _modes(sender, "off") == [Mode.OFF] * 2
    assert await _modes(sender, "readers") == [Mode.AGGREGATE] * 2
    await sender.campaigns.create_campaign("summer", groups=groups)
    assert await _modes(sender, "off", "summer") == [Mode.OFF] * 2
    # The message that was OFF was the contact's first one: no other can have a slot.
    assert await _modes(sender, "readers", "summer") == [Mode.AGGREGATE] * 2
