"""Methods of opting out, each with a control that lacks the authority's protection."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hushpost_client import Consent, DoNotTrack, History, Mode, PolicyUpdate, PreferenceEntry
from hushpost_service.tokens.codec import TokenCodec
from hushpost_service.tokens.keyring import Keyring
from tests.authority import AuthorityProcess
from tests.conftest import Clients
from tests.inspection import Connection

__all__ = ["METHODS", "OptOutMethod", "TrackedContacts", "find_tracked_contacts"]

# The index on events is on blocks of four contacts, hence the conditions on `contact >> 2`.

# The controls: a system without recording lock and anonymization, which deletes events.
_CHOOSE = """
update contacts
set opens_consent = 4 /* WITHDRAWN */, opens_time = now(),
    clicks_consent = 4 /* WITHDRAWN */, clicks_time = now()
where tenant = $1 and contact = any($2)
"""
_CHOOSE_OPENS = """
update contacts set opens_consent = 4 /* WITHDRAWN */, opens_time = now()
where tenant = $1 and contact = any($2)
"""
_CHOOSE_CLICKS = """
update contacts set clicks_consent = 4 /* WITHDRAWN */, clicks_time = now()
where tenant = $1 and contact = any($2)
"""
_DELETE = """
delete from events
where tenant = $1 and contact = any($2)
    and contact >> 2 = any(array(select given >> 2 from unnest($2::bigint[]) as given))
"""
_FORGET = "delete from contacts where tenant = $1 and contact = any($2)"
_TIGHTEN = """
insert into policies (
    tenant, version, valid_from, actor, anonymization_enabled,
    opens_when_unknown, opens_when_denied, opens_when_withdrawn, clicks_when_unknown,
    clicks_when_denied, clicks_when_withdrawn, history_when_true, retention_days, release, epsilon,
    release_delays, max_anonymous_messages, reask_after_days, record_last_opens
)
select tenant, version + 1, now(), actor, true,
    2 /* ANONYMOUS */, opens_when_denied, opens_when_withdrawn, 2 /* ANONYMOUS */,
    clicks_when_denied, clicks_when_withdrawn, history_when_true, retention_days, release, epsilon,
    release_delays, max_anonymous_messages, reask_after_days, record_last_opens
from policies
where tenant = $1
order by version desc
limit 1
"""

# A lateral subquery with a limit reads the index for each contact.
_NAMED = """
select given.contact
from unnest($2::bigint[]) as given(contact)
cross join lateral (
    select
    from events
    where tenant = $1 and contact >> 2 = given.contact >> 2 and contact = given.contact
        and signal between $3 and $4
    order by contact >> 2
    limit 1
) as named
"""
_NAMED_SINCE = """
select given.contact
from unnest($2::bigint[], $5::text[]) as given(contact, snapshot)
cross join lateral (
    select
    from events
    where tenant = $1 and contact >> 2 = given.contact >> 2 and contact = given.contact
        and signal between $3 and $4
        and not pg_visible_in_snapshot(events.xmin::text::xid8, given.snapshot::pg_snapshot)
    order by contact >> 2
    limit 1
) as named
"""
_SLOTS = """
select distinct contact, campaign, group_number, slot
from events
where tenant = $1 and contact = any($2) and signal between $3 and $4
    and contact >> 2 = any(array(select given >> 2 from unnest($2::bigint[]) as given))
"""


@dataclass
class TrackedContacts:
    """Tracked contacts of a tenant, with direct database access to find leaked rows."""

    clients: Clients
    database: Connection
    tenant: int
    numbers: Mapping[str, int]
    sent_slots: frozenset[tuple[int, int, int, int]]
    """(contact, campaign, group, slot) of each sent message."""
    _stopped: dict["OptOutMethod", dict[int, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By method and contact, what had been committed when the opt-out returned."""
    _connection: asyncio.Lock = field(default_factory=asyncio.Lock)
    """A connection runs one statement at a time, but opt-outs run at the same time."""
    leaked: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    async def stop(self, method: "OptOutMethod", names: Sequence[str], *, defended: bool) -> None:
        """Opt contacts out with a method, and check at once for rows that name them."""
        numbers = [self.numbers[name] for name in names]
        await (method.real if defended else method.control)(self, names)
        async with self._connection:
            # Of the server that has the tenant's rows.
            snapshot = await self.database.fetchval(
                "select pg_current_snapshot()::text from policies where tenant = $1 limit 1",
                self.tenant,
            )
        stopped = dict.fromkeys(numbers, snapshot)
        self._stopped[method] |= stopped
        await self._check(method, stopped)

    async def check_rows(self) -> None:
        """Add contacts whose opt-out was not respected to `leaked`."""
        for method, stopped in self._stopped.items():
            await self._check(method, stopped)

    async def _check(self, method: "OptOutMethod", stopped: Mapping[int, str]) -> None:
        """Add those of the contacts whose opt-out was not respected to `leaked`.

        New rows that name a contact are always a leak. Old rows are one unless they may be
        kept or a job is to remove them. Kept rows are one if they name a sent slot.
        """
        numbers = list(stopped)
        found = await self._contacts(_NAMED_SINCE, numbers, *method.signals, list(stopped.values()))
        if not method.keeps and not method.is_job:
            found |= await self._contacts(_NAMED, numbers, *method.signals)
        if method.keeps:
            async with self._connection:
                rows = await self.database.fetch(_SLOTS, self.tenant, numbers, *method.signals)
            found |= {row[0] for row in rows if tuple(row) in self.sent_slots}
        self.leaked[method.name] |= found

    async def remaining(self, method: "OptOutMethod", names: Sequence[str]) -> set[int]:
        """Return the numbers of those contacts that rows of the method's events name."""
        numbers = [self.numbers[name] for name in names]
        return await self._contacts(_NAMED, numbers, *method.signals)

    async def execute(self, statement: str, names: Sequence[str] | None = None) -> None:
        """Run a statement directly on the database, bypassing the authority."""
        arguments = [] if names is None else [[self.numbers[name] for name in names]]
        async with self._connection:
            await self.database.execute(statement, self.tenant, *arguments)

    async def _contacts(self, statement: str, *arguments: object) -> set[int]:
        async with self._connection:
            rows = await self.database.fetch(statement, self.tenant, *arguments)
        return {contact for (contact,) in rows}


Stop = Callable[[TrackedContacts, Sequence[str]], Awaitable[None]]


@dataclass(frozen=True)
class OptOutMethod:
    """A method of opting out, and a control without the protection under test.

    After each of them, no new row may name the contact.

    Attributes:
        real: Opts contacts out through the authority.
        control: Does the same with plain SQL, without locking or anonymization.
        choice: The contacts' preference before they opt out.
        keeps: Old rows that name the contact remain, but with slots that no message has, so
            that they cannot be linked to new events.
        is_job: Rows that name the contact remain until a background job has finished.
        together: How many contacts opt out in one call.
        signals: The first and the last signal of the events that it is about.
    """

    name: str
    real: Stop
    control: Stop
    choice: DoNotTrack = DoNotTrack.FALSE
    keeps: bool = False
    is_job: bool = False
    together: int = 1
    signals: tuple[int, int] = (0, 2**15 - 1)


async def _one_by_one(tracked: TrackedContacts, names: Sequence[str]) -> None:
    for name in names:
        await tracked.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE, timeout=60)


async def _together(tracked: TrackedContacts, names: Sequence[str]) -> None:
    entries = [PreferenceEntry(name, DoNotTrack.TRUE) for name in names]
    await tracked.clients.sender.preferences.batch_set_preferences(entries, timeout=60)


async def _kept(tracked: TrackedContacts, names: Sequence[str]) -> None:
    for name in names:
        await tracked.clients.sender.preferences.set_preference(
            name, DoNotTrack.TRUE, history=History.KEEP, timeout=60
        )


async def _opens(tracked: TrackedContacts, names: Sequence[str]) -> None:
    for name in names:
        await tracked.clients.sender.preferences.set_preference(
            name, opens_consent=Consent.WITHDRAWN, timeout=60
        )


async def _clicks(tracked: TrackedContacts, names: Sequence[str]) -> None:
    for name in names:
        await tracked.clients.sender.preferences.set_preference(
            name, clicks_consent=Consent.WITHDRAWN, timeout=60
        )


async def _kept_clicks(tracked: TrackedContacts, names: Sequence[str]) -> None:
    for name in names:
        await tracked.clients.sender.preferences.set_preference(
            name, clicks_consent=Consent.WITHDRAWN, history=History.KEEP, timeout=60
        )


async def _erased(tracked: TrackedContacts, names: Sequence[str]) -> None:
    for name in names:
        await tracked.clients.sender.preferences.erase_contact(name, timeout=60)


async def _by_policy(tracked: TrackedContacts, _: Sequence[str]) -> None:
    await tracked.clients.admin.admin.update_policy(
        PolicyUpdate(mode_when_unset=Mode.ANONYMOUS), timeout=60
    )


async def _chosen_and_deleted(tracked: TrackedContacts, names: Sequence[str]) -> None:
    await tracked.execute(_CHOOSE, names)
    await tracked.execute(_DELETE, names)


async def _chosen(tracked: TrackedContacts, names: Sequence[str]) -> None:
    await tracked.execute(_CHOOSE, names)


async def _chosen_opens(tracked: TrackedContacts, names: Sequence[str]) -> None:
    await tracked.execute(_CHOOSE_OPENS, names)
    await tracked.execute(_DELETE, names)


async def _chosen_clicks(tracked: TrackedContacts, names: Sequence[str]) -> None:
    await tracked.execute(_CHOOSE_CLICKS, names)
    await tracked.execute(_DELETE, names)


async def _chosen_clicks_only(tracked: TrackedContacts, names: Sequence[str]) -> None:
    await tracked.execute(_CHOOSE_CLICKS, names)


async def _forgotten(tracked: TrackedContacts, names: Sequence[str]) -> None:
    await tracked.execute(_FORGET, names)
    await tracked.execute(_DELETE, names)


async def _tightened(tracked: TrackedContacts, _: Sequence[str]) -> None:
    await tracked.execute(_TIGHTEN)


METHODS = (
    OptOutMethod("opt-outs, one by one", _one_by_one, _chosen_and_deleted),
    OptOutMethod("opt-outs, in batches", _together, _chosen_and_deleted, together=3),
    OptOutMethod("opt-outs that keep history", _kept, _chosen, keeps=True),
    OptOutMethod("withdrawals about opens", _opens, _chosen_opens, signals=(0, 0)),
    OptOutMethod("withdrawals about clicks", _clicks, _chosen_clicks, signals=(1, 2**15 - 1)),
    OptOutMethod(
        "withdrawals about clicks, kept",
        _kept_clicks,
        _chosen_clicks_only,
        keeps=True,
        signals=(1, 2**15 - 1),
    ),
    OptOutMethod("erasures", _erased, _forgotten),
    OptOutMethod(
        "a stricter policy",
        _by_policy,
        _tightened,
        choice=DoNotTrack.UNSET,
        is_job=True,
        together=1000,
    ),
)


async def find_tracked_contacts(
    process: AuthorityProcess,
    clients: Clients,
    database: Connection,
    tokens: Mapping[str, str],
) -> TrackedContacts:
    """Return the contacts that messages with these tokens were sent to."""
    codec = TokenCodec(Keyring.load(process.data_dir / "keyring.json"))
    opened = {name: codec.open(token) for name, token in tokens.items()}
    tenant = await database.fetchval(
        "select tenant from tenants where tenant_id = $1", clients.tenant_id
    )
    sent_slots = frozenset((t.contact, t.campaign, t.group, t.slot) for t in opened.values())
    numbers = {name: token.contact for name, token in opened.items()}
    return TrackedContacts(clients, database, tenant, numbers, sent_slots)
