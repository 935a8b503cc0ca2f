"""An independent model of modes and counts: slow and simple.

It shares no code with the service. The service stores as little history as possible;
the model keeps every past state and decides by looking at all of them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import count


class Consent(IntEnum):
    """A decision about one purpose, numbered as on the wire."""

    UNKNOWN = 1
    GRANTED = 2
    DENIED = 3
    WITHDRAWN = 4


class State(IntEnum):
    """The simple view of both decisions, numbered as on the wire."""

    UNSET = 1
    FALSE = 2
    TRUE = 3


class Purpose(IntEnum):
    """What a decision is about. Also the position of its part in a pair."""

    OPENS = 0
    CLICKS = 1


class Mode(IntEnum):
    """A mode, numbered as on the wire; a greater one is stricter."""

    IDENTIFIED = 1
    ANONYMOUS = 2
    AGGREGATE = 3
    OFF = 4


Consents = tuple[Consent, Consent]
"""The decisions about opens and clicks."""

Modes = tuple[Mode, Mode]
"""The modes of opens and clicks."""

UNDECIDED: Consents = (Consent.UNKNOWN, Consent.UNKNOWN)


@dataclass(frozen=True)
class Policy:
    """The part of a policy that modes and anonymization depend on.

    `opens` and `clicks` have the modes of UNKNOWN, DENIED and WITHDRAWN.
    """

    enabled: bool = True
    opens: tuple[Mode, Mode, Mode] = (Mode.IDENTIFIED, Mode.ANONYMOUS, Mode.ANONYMOUS)
    clicks: tuple[Mode, Mode, Mode] = (Mode.IDENTIFIED, Mode.ANONYMOUS, Mode.ANONYMOUS)
    keep: bool = False

    def mode(self, purpose: Purpose, consent: Consent) -> Mode:
        """Return the mode of a decision."""
        if not self.enabled or consent is Consent.GRANTED:
            return Mode.IDENTIFIED
        position = (Consent.UNKNOWN, Consent.DENIED, Consent.WITHDRAWN).index(consent)
        return (self.opens if purpose is Purpose.OPENS else self.clicks)[position]

    def modes(self, consents: Consents) -> Modes:
        """Return the modes of both decisions."""
        opens, clicks = consents
        return self.mode(Purpose.OPENS, opens), self.mode(Purpose.CLICKS, clicks)


def view(consents: Consents) -> State:
    """Return the simple view of two decisions: the stricter one."""
    if Consent.DENIED in consents or Consent.WITHDRAWN in consents:
        return State.TRUE
    return State.UNSET if Consent.UNKNOWN in consents else State.FALSE


def after_view(state: State, consents: Consents) -> Consents:
    """Return both decisions after the simple view has been set."""

    def one(consent: Consent) -> Consent:
        if state is State.FALSE:
            return Consent.GRANTED
        if state is State.UNSET:
            return Consent.UNKNOWN
        if consent is Consent.GRANTED:
            return Consent.WITHDRAWN
        return Consent.DENIED if consent is Consent.UNKNOWN else consent

    opens, clicks = consents
    return one(opens), one(clicks)


def on_one_slot(modes: Modes) -> Modes:
    """Return the modes of events if rows of an IDENTIFIED purpose name whose slot it is."""
    if modes == (Mode.IDENTIFIED, Mode.ANONYMOUS):
        return Mode.IDENTIFIED, Mode.AGGREGATE
    if modes == (Mode.ANONYMOUS, Mode.IDENTIFIED):
        return Mode.AGGREGATE, Mode.IDENTIFIED
    return modes


@dataclass(eq=False)
class Contact:
    """A contact from its creation to its erasure. Its id may later name another contact.

    `changed_at` is the position in the history of its last change.
    """

    name: str
    is_erased: bool = False
    changed_at: int = 0


@dataclass(frozen=True)
class Place:
    """The place of a count, without its mode."""

    campaign: int
    signal: int
    machine: bool

    @property
    def purpose(self) -> Purpose:
        """The purpose that events at this place belong to."""
        return Purpose.CLICKS if self.signal else Purpose.OPENS


@dataclass(frozen=True)
class Token:
    """The token of a message, or of one purpose of it if the modes differ.

    `contact` is None unless the mode is IDENTIFIED. `purpose` is None for both.
    """

    campaign: int
    mode: Mode
    contact: Contact | None
    slot: int
    purpose: Purpose | None


@dataclass(frozen=True)
class Message:
    """A sent message: its modes, and the tokens of its pixel and of its links."""

    modes: Modes
    tokens: tuple[Token, Token]


@dataclass(eq=False)
class Row:
    """An identified event."""

    place: Place
    contact: Contact
    slot: int
    hour: int
    is_first: bool
    is_kept: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The state that modes depend on, at one time."""

    policy: Policy
    consents: dict[Contact, Consents]

    def modes(self, contact: Contact) -> Modes:
        """Return the modes of a contact for campaigns created at that time."""
        return self.policy.modes(self.consents.get(contact, UNDECIDED))


@dataclass
class Model:
    """The expected state of a tenant."""

    policy: Policy
    contacts: dict[str, Contact] = field(default_factory=dict)
    history: list[Snapshot] = field(default_factory=list)
    created: list[int] = field(default_factory=list)
    ceilings: list[Mode] = field(default_factory=list)
    sent: Counter[tuple[int, Purpose, Mode]] = field(default_factory=Counter)
    issued: set[tuple[int, Contact]] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    anonymous: Counter[Place] = field(default_factory=Counter)
    seen: dict[Place, set[int]] = field(default_factory=dict)
    aggregate: Counter[Place] = field(default_factory=Counter)
    _slots: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.history.append(Snapshot(self.policy, {}))

    def set_view(self, name: str, state: State, *, keep: bool | None) -> Consents:
        """Set both decisions by the simple view; return them."""
        return self.set_consents(name, *after_view(state, self.consents(name)), keep=keep)

    def set_consents(
        self, name: str, opens: Consent | None, clicks: Consent | None, *, keep: bool | None
    ) -> Consents:
        """Set decisions (None: as they are); return both.

        Anonymizes or keeps past events if this declines a purpose; `keep` None means what the
        policy sets.
        """
        contact = self._contact(name)
        before = self.consents(name)
        after = opens or before[0], clicks or before[1]
        self._next(self.policy, {**self._now().consents, contact: after})
        if after != before:
            contact.changed_at = len(self.history) - 1
        is_declined = any(
            given is not None
            and (given is not old or keep is False)
            and self.policy.mode(purpose, given) > Mode.IDENTIFIED
            for purpose, given, old in zip(Purpose, (opens, clicks), before, strict=True)
        )
        if is_declined:
            self.anonymize_or_keep([contact], keep=self.policy.keep if keep is None else keep)
        return after

    def consents(self, name: str) -> Consents:
        """Return the decisions of a contact, which need not exist."""
        contact = self.contacts.get(name)
        return UNDECIDED if contact is None else self._now().consents.get(contact, UNDECIDED)

    def update_policy(self, policy: Policy) -> None:
        """Change the policy; if it is stricter, anonymize or keep the past events it affects."""
        is_stricter = any(
            policy.mode(purpose, consent) > self.policy.mode(purpose, consent)
            for purpose in Purpose
            for consent in Consent
        )
        self._next(policy, self._now().consents)
        if is_stricter:
            self.anonymize_or_keep(list(self.contacts.values()), keep=policy.keep)

    def create_campaign(self, ceiling: Mode = Mode.IDENTIFIED) -> None:
        """Create a campaign whose messages are at least as strict as the ceiling."""
        self.created.append(len(self.history) - 1)
        self.ceilings.append(ceiling)

    def issue(self, campaign: int, name: str) -> Message:
        """Send a message; further ones to a contact in a campaign are AGGREGATE."""
        contact = self._contact(name)
        limits = [self.ceilings[campaign]]
        if (campaign, contact) in self.issued:
            limits.append(Mode.AGGREGATE)
        self.issued.add((campaign, contact))
        opens, clicks = (max(mode, *limits) for mode in self.modes_at_issue(contact, campaign))
        for purpose, mode in zip(Purpose, (opens, clicks), strict=True):
            self.sent[campaign, purpose, mode] += 1
        if opens is clicks:
            token = self._token(campaign, opens, contact, None)
            return Message((opens, clicks), (token, token))
        return Message(
            (opens, clicks),
            (
                self._token(campaign, opens, contact, Purpose.OPENS),
                self._token(campaign, clicks, contact, Purpose.CLICKS),
            ),
        )

    def _token(self, campaign: int, mode: Mode, contact: Contact, purpose: Purpose | None) -> Token:
        named = contact if mode is Mode.IDENTIFIED else None
        return Token(campaign, mode, named, next(self._slots), purpose)

    def record(self, token: Token, signal: int, hour: int, *, machine: bool, gpc: bool) -> None:
        """Record an event."""
        place = Place(token.campaign, signal, machine)
        mode = self.mode_of_event(token, place.purpose)
        if mode is Mode.IDENTIFIED and gpc:
            mode = Mode.AGGREGATE
        if mode is Mode.IDENTIFIED:
            assert token.contact is not None
            is_first = not any((row.place, row.slot) == (place, token.slot) for row in self.rows)
            self.rows.append(Row(place, token.contact, token.slot, hour, is_first))
        elif mode is Mode.ANONYMOUS:
            self._count_anonymous(place, token.slot)
        elif mode is Mode.AGGREGATE:
            self.aggregate[place] += 1

    def erase(self, name: str) -> None:
        """Erase a contact."""
        contact = self.contacts.pop(name, None)
        if contact is not None:
            contact.is_erased = True
            self.anonymize_or_keep([contact], keep=False)

    def modes_at_issue(self, contact: Contact, campaign: int) -> Modes:
        """Return the strictest modes since the campaign was created, for a new message.

        A new message can have a slot for each purpose. Up to the contact's last change, the
        modes are those of messages with one slot, which are all that the service remembers.
        """
        start = self.created[campaign]
        return _strictest(
            [
                modes if position >= contact.changed_at else on_one_slot(modes)
                for position, modes in enumerate(self._modes(contact, start), start)
            ]
        )

    def modes_at_event(self, contact: Contact, campaign: int) -> Modes:
        """Return the strictest modes since the campaign was created, for one slot."""
        start = self.created[campaign]
        if contact.is_erased:
            every = [
                snapshot.policy.modes((consent, consent))
                for snapshot in self.history[start:]
                for consent in Consent
            ]
            return _strictest([(Mode.ANONYMOUS, Mode.ANONYMOUS), *every])
        return _strictest([on_one_slot(modes) for modes in self._modes(contact, start)])

    def mode_of_event(self, token: Token, purpose: Purpose) -> Mode:
        """Return the mode that an event of the message has now."""
        if token.purpose not in (None, purpose):
            return Mode.OFF
        if token.contact is not None:
            return self.modes_at_event(token.contact, token.campaign)[purpose]
        mode = token.mode
        for consent in Consent:
            modes = [
                snapshot.policy.mode(purpose, consent)
                for snapshot in self.history[self.created[token.campaign] :]
            ]
            if token.mode in modes:
                mode = max(mode, *modes[modes.index(token.mode) :])
        return mode

    def engaged(self, campaign: int, purpose: Purpose) -> set[str]:
        """Return the ids of identified contacts that opened, or that clicked."""
        return {
            row.contact.name
            for row in self.rows
            if row.place.campaign == campaign
            and row.place.purpose is purpose
            and not row.place.machine
            and not row.is_kept
        }

    def anonymize_or_keep(self, contacts: list[Contact], *, keep: bool) -> None:
        """Anonymize or keep the events of purposes that are no longer IDENTIFIED.

        Kept events move to other slots.
        """
        moved: dict[tuple[int, Purpose, int], int] = {}
        for row in [row for row in self.rows if row.contact in contacts]:
            place = row.place
            mode = self.modes_at_event(row.contact, place.campaign)[place.purpose]
            if mode is Mode.IDENTIFIED:
                continue
            if keep:
                key = (place.campaign, place.purpose, row.slot)
                row.slot = moved.setdefault(key, next(self._slots))
                row.is_kept = True
                continue
            self.rows.remove(row)
            if mode is Mode.ANONYMOUS:
                self._count_anonymous(place, row.slot)
            else:
                self.aggregate[place] += 1

    def _count_anonymous(self, place: Place, slot: int) -> None:
        self.anonymous[place] += 1
        self.seen.setdefault(place, set()).add(slot)

    def _contact(self, name: str) -> Contact:
        return self.contacts.setdefault(name, Contact(name))

    def _now(self) -> Snapshot:
        return self.history[-1]

    def _next(self, policy: Policy, consents: dict[Contact, Consents]) -> None:
        self.policy = policy
        self.history.append(Snapshot(policy, consents))

    def _modes(self, contact: Contact, start: int) -> list[Modes]:
        return [snapshot.modes(contact) for snapshot in self.history[start:]]


def _strictest(modes: list[Modes]) -> Modes:
    return max(opens for opens, _ in modes), max(clicks for _, clicks in modes)


def changed(policy: Policy, name: str, value: object) -> Policy:
    """Return a policy with one field changed."""
    return replace(policy, **{name: value})  # type: ignore[arg-type] # generated for that field
