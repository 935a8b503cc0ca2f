"""Previews the modes of messages without issuing their tokens."""

from collections.abc import Callable, Sequence
from datetime import datetime

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.campaigns.message_modes import MODE_OF, first_modes
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import ContactPreference, Mode, Modes
from hushpost_service.domain.validation import checked_batch, checked_contact_ids
from hushpost_service.storage.contacts import contacts_by_preference
from hushpost_service.storage.database import Database

__all__ = ["ModePreview"]


class ModePreview:
    """Previews the modes of contacts' first messages in a campaign. Changes nothing."""

    def __init__(
        self, database: Database, campaigns: CampaignCache, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._clock = clock

    async def preview(
        self, tenant: int, campaign_id: str, group_id: str, contact_ids: Sequence[str]
    ) -> list[Modes]:
        """Return the modes that the first messages of contacts would have now, in their order.

        Without a campaign, they are those in a campaign that is created now.

        Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, FIELD_INVALID,
        CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND.
        """
        checked_batch(contact_ids, "contact_ids")
        checked_contact_ids(contact_ids)
        create_time, max_mode = await self._campaign(tenant, campaign_id, group_id)
        distinct = dict.fromkeys(contact_ids)
        async with self._database.connection("preview modes") as connection:
            found = await contacts_by_preference(connection, tenant, distinct, create_time)
            rule = await self._campaigns.mode_rule(connection, tenant)
        undecided = _modes(rule, ContactPreference(), create_time, max_mode)
        modes = dict.fromkeys(distinct, undecided)
        for alike in found:
            of_all = _modes(rule, alike.preference, create_time, max_mode)
            modes |= dict.fromkeys(alike.numbers, of_all)
        return [modes[contact_id] for contact_id in contact_ids]

    async def _campaign(
        self, tenant: int, campaign_id: str, group_id: str
    ) -> tuple[datetime, Mode]:
        """Return when the campaign was created, and the limit of its group's modes."""
        if not campaign_id:
            if group_id:
                raise HushpostError(
                    Reason.FIELD_INVALID,
                    "group_id requires campaign_id",
                    {"field": "group_id"},
                )
            return self._clock(), Mode.IDENTIFIED
        number = await self._campaigns.number(tenant, campaign_id)
        group = await self._campaigns.group(number, group_id)
        return (await self._campaigns.get(number)).create_time, group.max_mode


def _modes(
    rule: ModeRule, contact: ContactPreference, create_time: datetime, max_mode: Mode
) -> Modes:
    return ByPurpose(*(MODE_OF[mode] for mode in first_modes(rule, contact, create_time, max_mode)))
