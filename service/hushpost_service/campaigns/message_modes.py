"""The modes of new messages by consent, policy and the limits of their group. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.consent import ByPurpose, Consent
from hushpost_service.domain.events import Flags
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import ContactPreference, Mode

__all__ = [
    "LAST_OPEN",
    "MODE_OF",
    "ModeNumbers",
    "at_least",
    "first_modes",
    "of_other_contacts",
    "with_own_click_token",
]

ModeNumbers = npt.NDArray[np.uint8]
"""A column of modes, by number; of opens, it can also have `LAST_OPEN`."""

LAST_OPEN: Final = 5
"""The number of opens in mode OFF that update the date of the contact's last open."""

MODE_OF: Mapping[int, Mode] = {**{int(mode): mode for mode in Mode}, LAST_OPEN: Mode.OFF}
"""The mode of each number in a column."""


def first_modes(
    rule: ModeRule, contact: ContactPreference, campaign_time: datetime, max_mode: Mode
) -> ByPurpose[int]:
    """Return the modes of a contact's first message in a campaign, as for `ModeNumbers`.

    Args:
        rule: The tenant's rule.
        contact: The contact.
        campaign_time: When the campaign was created.
        max_mode: The most revealing mode that messages of the group may have. A stricter one
            than IDENTIFIED also excludes `LAST_OPEN`, which names the contact.
    """
    opens, clicks = rule.at_issue(contact, campaign_time)
    updates_last_open = (
        rule.policy.record_last_opens
        and contact.opens.consent is Consent.UNKNOWN
        and opens in (Mode.ANONYMOUS, Mode.AGGREGATE)
        and max_mode is Mode.IDENTIFIED
    )
    return ByPurpose(
        LAST_OPEN if updates_last_open else max(opens, max_mode), max(clicks, max_mode)
    )


def at_least(modes: ModeNumbers, mode: Mode, where: Flags) -> ModeNumbers:
    """Return modes, those of some messages at least that strict."""
    return np.where(where, np.maximum(modes, np.uint8(mode)), modes)


def of_other_contacts(modes: ByPurpose[ModeNumbers], where: Flags) -> ByPurpose[ModeNumbers]:
    """Return modes, those of some messages without tokens that tell their contacts apart."""
    opens = np.where(where & (modes.opens == LAST_OPEN), np.uint8(Mode.OFF), modes.opens)
    return ByPurpose(
        at_least(opens, Mode.AGGREGATE, where), at_least(modes.clicks, Mode.AGGREGATE, where)
    )


def with_own_click_token(modes: ByPurpose[ModeNumbers]) -> Flags:
    """Return which messages have a token for opens and another one for clicks."""
    own: Flags = modes.opens != modes.clicks
    return own
