"""What a database at size contains: how many tenants, campaigns, contacts and events. Pure.

Two kinds of tenants share the database. *Background* tenants grow with the number of events. They are
uneven: the shares of their campaigns fall like those of a Zipf distribution. *Probe* tenants
are the same at any size, so that an operation on one must read the same at any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = [
    "FREQUENT_CONTACTS",
    "LINKS",
    "MONTHS",
    "PROBES",
    "RARE_LINK",
    "CampaignShape",
    "Size",
    "campaign_shapes",
    "contact_id",
    "month_starts",
]

MONTHS = 6
"""Months with events: the last ones before the current month."""

LINKS = 6
RARE_LINK = LINKS
"""The link of each campaign that has 20 clicks at any size."""

PROBES = 9
"""Probe tenants. Some operations consume one each."""

FREQUENT_CONTACTS = 6
"""Contacts of the first probe tenant that have 1,000 events each, 250 in each campaign."""

_PROBE_CAMPAIGNS = 4
_PROBE_CONTACTS = 1024
_PROBE_EVENTS = 1280
_TENANT_SHIFT = 40
_CONTACT_SHIFT = 24
_ZIPF_EXPONENT = 0.8
_EVENTS_PER_CONTACT = 5
_CAMPAIGNS_PER_TENANT = 3
_MIN_CONTACTS = 10


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a database."""

    events: int
    tenants: int
    campaigns: int

    def probe(self, number: int) -> int:
        """Return the number of the n-th probe tenant; they follow the others."""
        return self.tenants + 1 + number


@dataclass(frozen=True, slots=True)
class CampaignShape:
    """A campaign and its events.

    Attributes:
        tenant: The number of its tenant.
        campaign: Its number.
        events: How many identified events it has.
        first_contact: The number of the first contact of the tenant.
        contacts: How many contacts the tenant has; all have events in each campaign.
        month: The month of its events, 0 for the first.
        start: When it was created.
        is_probe: Whether it belongs to a probe tenant.
    """

    tenant: int
    campaign: int
    events: int
    first_contact: int
    contacts: int
    month: int
    start: datetime
    is_probe: bool


def contact_id(number: int) -> str:
    """Return the id of a contact by number."""
    return f"contact-{number:020d}"


def month_starts(now: datetime, months: int = MONTHS) -> list[datetime]:
    """Return when the last months before the current one begin, the first one first."""
    first = now.year * 12 + now.month - 1 - months
    return [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(first, first + months)]


def campaign_shapes(size: Size, now: datetime) -> list[CampaignShape]:
    """Return all campaigns: those of probe tenants first, then the background's, largest first."""
    starts = month_starts(now)
    probes = [
        _shape(size.probe(tenant), number, _PROBE_EVENTS, _PROBE_CONTACTS, starts, is_probe=True)
        for tenant in range(PROBES)
        for number in range(_PROBE_CAMPAIGNS)
    ]
    shares = _shares(size.campaigns)
    tenants = max(1, min(size.tenants, size.campaigns // _CAMPAIGNS_PER_TENANT))
    # The first campaign of a tenant is its largest: it decides how many contacts there are.
    contacts = [
        max(_MIN_CONTACTS, round(size.events * shares[tenant] / _EVENTS_PER_CONTACT))
        for tenant in range(tenants)
    ]
    background = [
        _shape(
            number % tenants + 1,
            number,
            max(_MIN_CONTACTS, round(size.events * share)),
            contacts[number % tenants],
            starts,
            is_probe=False,
        )
        for number, share in enumerate(shares)
    ]
    return probes + background


def _shares(campaigns: int) -> Sequence[float]:
    weights = [(number + 1) ** -_ZIPF_EXPONENT for number in range(campaigns)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _shape(
    tenant: int,
    number: int,
    events: int,
    contacts: int,
    starts: Sequence[datetime],
    *,
    is_probe: bool,
) -> CampaignShape:
    month = number % MONTHS
    return CampaignShape(
        tenant,
        (tenant << _TENANT_SHIFT) + number + 1,
        events,
        tenant << _CONTACT_SHIFT,
        contacts,
        month,
        # Events follow within twelve days, so that a campaign has all of them in one month.
        starts[month] + timedelta(days=1 + number * 7 % 10),
        is_probe,
    )
