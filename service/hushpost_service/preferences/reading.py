"""Reads preferences and the log of their changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.consent import ByPurpose, Consent, DoNotTrack
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import ContactPreference, Mode, Modes, Policy
from hushpost_service.domain.page_branding import PageBranding
from hushpost_service.domain.validation import (
    checked_batch,
    checked_contact_id,
    checked_contact_ids,
)
from hushpost_service.storage import contacts as storage
from hushpost_service.storage import last_opens, page_brandings, preference_log, tenants
from hushpost_service.storage.contacts import ContactFilter
from hushpost_service.storage.database import Database
from hushpost_service.storage.preference_log import (
    ChangeFilter,
    Decision,
    RecordedChange,
    Source,
)
from hushpost_service.storage.scanned_page import ScannedPage
from hushpost_service.tokens.codec import TokenCodec

__all__ = ["EffectivePreference", "PreferenceReader", "RecipientView"]

_UNKNOWN = ContactPreference()


@dataclass(frozen=True, slots=True)
class EffectivePreference:
    """A contact's preference, and the modes that it has in campaigns created now.

    Attributes:
        contact_id: The contact.
        consents: The contact's consents.
        modes: What the tenant's current policy makes of them.
        since: When the preference was last changed; None if never.
    """

    contact_id: str
    consents: ByPurpose[Consent]
    modes: Modes
    since: datetime | None

    @property
    def do_not_track(self) -> DoNotTrack:
        """The stricter of both consents."""
        return DoNotTrack.of(self.consents)

    @property
    def mode(self) -> Mode:
        """The stricter of both modes."""
        return max(self.modes)


@dataclass(frozen=True, slots=True)
class RecipientView:
    """What a preference page tells the recipient besides the preference.

    Attributes:
        sender_name: The name of the tenant.
        decided_by_recipient: Whether a consent is the recipient's own decision.
        last_open_recorded: Whether opens set the date of the last open.
        branding: The tenant's part of the page.
    """

    sender_name: str
    decided_by_recipient: ByPurpose[bool]
    last_open_recorded: bool
    branding: PageBranding


class PreferenceReader:
    """Reads the preferences of a tenant's contacts, and the log of their changes."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        codec: TokenCodec,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._codec = codec
        self._clock = clock

    async def get(self, tenant: int, contact_id: str) -> EffectivePreference:
        """Return a contact's preference, UNKNOWN if the contact does not exist.

        Raises CONTACT_ID_INVALID.
        """
        checked_contact_id(contact_id)
        (preference,) = await self._get(tenant, [contact_id])
        return preference

    async def recipient_view(self, tenant: int, preference: EffectivePreference) -> RecipientView:
        """Return what the preference page of a contact says besides its preference."""
        contact_id, consents = preference.contact_id, preference.consents
        async with self._database.connection("recipient view") as connection:
            found = await preference_log.last_decisions(connection, tenant, [contact_id])
            rule = await self._campaigns.mode_rule(connection, tenant)
            name = await tenants.display_name(connection, tenant)
            branding = await page_brandings.page_branding(connection, tenant)
        decisions = zip(found[contact_id], consents, strict=True)
        opens, clicks = (last == Decision(Source.RECIPIENT, now) for last, now in decisions)
        return RecipientView(
            name,
            ByPurpose(opens, clicks),
            rule.policy.records_last_open_of(consents),
            branding,
        )

    async def get_many(self, tenant: int, contact_ids: Sequence[str]) -> list[EffectivePreference]:
        """Return the preferences of contacts, in the same order.

        Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID.
        """
        checked_batch(contact_ids, "contact_ids")
        checked_contact_ids(contact_ids)
        return await self._get(tenant, contact_ids)

    async def list_contacts(
        self, tenant: int, wanted: ContactFilter, *, may_be_asked: bool, after: str, limit: int
    ) -> ScannedPage[EffectivePreference, str]:
        """Return a page of contacts with ids greater than `after`, by id.

        Args:
            tenant: The tenant of the contacts.
            wanted: Which contacts.
            may_be_asked: Whether to return only those that may be asked for consent now.
            after: The position of the page; empty for the first.
            limit: The maximum number of contacts.
        """
        async with self._database.connection("list contacts") as connection:
            rule = await self._campaigns.mode_rule(connection, tenant)
            if may_be_asked:
                days = timedelta(days=rule.policy.reask_after_days)
                wanted = replace(wanted, refused_until=self._clock() - days)
            page = await storage.list_contacts(connection, tenant, wanted, after, limit)
        items = [_effective(name, preference, rule.policy) for name, preference in page.items]
        return ScannedPage(items, page.next)

    async def list_inactive(
        self, tenant: int, before: date, *, after: int, limit: int
    ) -> ScannedPage[str, int]:
        """Return a page of the ids of contacts that have been inactive since a day (UTC).

        Their consent to opens is UNKNOWN; they got their first message before that day, and
        have opened none since.

        Args:
            tenant: The tenant of the contacts.
            before: The day.
            after: The position of the page; 0 for the first.
            limit: The maximum number of contacts.

        Raises LAST_OPENS_DISABLED.
        """
        async with self._database.connection("list inactive contacts") as connection:
            rule = await self._campaigns.mode_rule(connection, tenant)
            if not rule.policy.record_last_opens:
                raise HushpostError(
                    Reason.LAST_OPENS_DISABLED,
                    "the tenant's policy does not record the dates of last opens",
                )
            return await last_opens.list_inactive_contacts(connection, tenant, before, after, limit)

    async def contact_of_token(self, token: str, tenant: int | None) -> tuple[int, str]:
        """Return (tenant, contact id) of a preference token.

        Raises TOKEN_INVALID, also if the token belongs to a tenant other than the given one;
        CONTACT_ERASED if the token is genuine and its contact has been erased.
        """
        opened = self._codec.open_preference(token)
        if tenant not in (None, opened.tenant):
            # The same message as for a damaged token: the response must not tell them apart.
            raise HushpostError(Reason.TOKEN_INVALID, "the token is invalid")
        async with self._database.connection("contact of token") as connection:
            contact_id = await storage.contact_id(connection, opened.tenant, opened.contact)
        if contact_id is None:
            raise HushpostError(Reason.CONTACT_ERASED, "the token's contact has been erased")
        return opened.tenant, contact_id

    async def list_changes(
        self, tenant: int, wanted: ChangeFilter, after: int, limit: int
    ) -> ScannedPage[RecordedChange, int]:
        """Return a page of the log of changes after number `after`, oldest first.

        Raises CONTACT_ID_INVALID.
        """
        if wanted.contact_id is not None:
            checked_contact_id(wanted.contact_id)
        async with self._database.connection("list preference changes") as connection:
            return await preference_log.list_changes(connection, tenant, wanted, after, limit)

    async def _get(self, tenant: int, contact_ids: Sequence[str]) -> list[EffectivePreference]:
        async with self._database.connection("get preferences") as connection:
            found = await storage.contacts(connection, tenant, contact_ids)
            rule = await self._campaigns.mode_rule(connection, tenant)
        preferences = {name: contact.preference for name, contact in found.items()}
        return [
            _effective(name, preferences.get(name, _UNKNOWN), rule.policy) for name in contact_ids
        ]


def _effective(
    contact_id: str, preference: ContactPreference, policy: Policy
) -> EffectivePreference:
    consents = preference.consents
    return EffectivePreference(contact_id, consents, policy.modes(consents), preference.since)
