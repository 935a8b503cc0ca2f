"""What a tenant's numbers must be, told by keeping everything: slow, plain, and independent.

It shares no code with the service. Where that remembers the least it can, this
remembers every state there has been, and decides by looking at all of them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import count


class State(IntEnum):
    """A preference, numbered as on the wire."""

    UNSET = 1
    FALSE = 2
    TRUE = 3


class Mode(IntEnum):
    """A mode, numbered as on the wire; a greater one is stricter."""

    IDENTIFIED = 1
    ANONYMOUS = 2
    AGGREGATE = 3
    OFF = 4


@dataclass(frozen=True)
class Policy:
    """The part of a policy that modes and folding depend on."""

    enabled: bool = True
    when_true: Mode = Mode.ANONYMOUS
    when_unset: Mode = Mode.IDENTIFIED
    keep: bool = False

    def mode(self, state: State) -> Mode:
        """Return the mode of a preference."""
        if not self.enabled or state is State.FALSE:
            return Mode.IDENTIFIED
        return self.when_true if state is State.TRUE else self.when_unset


@dataclass(eq=False)
class Contact:
    """A contact from when it became known until it is erased; then there is another one."""

    name: str
    is_erased: bool = False


@dataclass(frozen=True)
class Place:
    """Where a number stands, apart from its mode."""

    campaign: int
    signal: int
    machine: bool


@dataclass(frozen=True)
class Token:
    """What a message carries. `contact` is None where it names nobody."""

    campaign: int
    mode: Mode
    contact: Contact | None
    slot: int


@dataclass(eq=False)
class Row:
    """An event that names a contact."""

    place: Place
    contact: Contact
    slot: int
    hour: int
    is_first: bool
    is_kept: bool = False


@dataclass(frozen=True)
class Moment:
    """Everything that modes depend on, at some time."""

    policy: Policy
    preferences: dict[Contact, State]


@dataclass
class Model:
    """A tenant."""

    policy: Policy
    contacts: dict[str, Contact] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    created: list[int] = field(default_factory=list)
    sent: Counter[tuple[int, Mode]] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    anonymous: Counter[Place] = field(default_factory=Counter)
    seen: dict[Place, set[int]] = field(default_factory=dict)
    aggregate: Counter[Place] = field(default_factory=Counter)
    _slots: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.moments.append(Moment(self.policy, {}))

    def set_preference(self, name: str, state: State, *, keep: bool | None) -> None:
        """Set a preference; fold or keep what was before, or do as the policy says."""
        contact = self._contact(name)
        before = self._now().preferences.get(contact, State.UNSET)
        self._next(self.policy, {**self._now().preferences, contact: state})
        is_repeated = state is before and keep is not False
        if self.policy.mode(state) > Mode.IDENTIFIED and not is_repeated:
            self._settle([contact], keep=self.policy.keep if keep is None else keep)

    def update_policy(self, policy: Policy) -> None:
        """Put a policy in force; where it is stricter for anybody, settle what was before."""
        is_stricter = any(policy.mode(state) > self.policy.mode(state) for state in State)
        self._next(policy, self._now().preferences)
        if is_stricter:
            states = self._now().preferences
            asked = [
                contact
                for contact in self.contacts.values()
                if states.get(contact, State.UNSET) is not State.FALSE
            ]
            self._settle(asked, keep=policy.keep)

    def create_campaign(self) -> None:
        """Create a campaign."""
        self.created.append(len(self.moments) - 1)

    def issue(self, campaign: int, name: str) -> Token:
        """Send a message."""
        contact = self._contact(name)
        mode = self.mode_of_contact(contact, campaign)
        self.sent[campaign, mode] += 1
        named = contact if mode is Mode.IDENTIFIED else None
        return Token(campaign, mode, named, next(self._slots))

    def record(self, token: Token, signal: int, hour: int, *, machine: bool, gpc: bool) -> None:
        """Record an event."""
        place = Place(token.campaign, signal, machine)
        mode = self.mode_of_token(token)
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
        """Forget a contact."""
        contact = self.contacts.pop(name, None)
        if contact is not None:
            contact.is_erased = True
            self._settle([contact], keep=False)

    def mode_of_contact(self, contact: Contact, campaign: int) -> Mode:
        """Return the strictest mode that the contact has had since the campaign was created."""
        if contact.is_erased:
            return max(
                Mode.ANONYMOUS, *(mode for state in State for mode in self._modes(state, campaign))
            )
        return max(
            moment.policy.mode(moment.preferences.get(contact, State.UNSET))
            for moment in self._since(campaign)
        )

    def mode_of_token(self, token: Token) -> Mode:
        """Return the mode of an event on a message now."""
        if token.contact is not None:
            return self.mode_of_contact(token.contact, token.campaign)
        mode = token.mode
        for state in State:
            modes = self._modes(state, token.campaign)
            if token.mode in modes:
                mode = max(mode, *modes[modes.index(token.mode) :])
        return mode

    def engaged(self, campaign: int) -> set[str]:
        """Return the names of contacts that are known to have opened or clicked."""
        return {row.contact.name for row in self._human_rows(campaign) if not row.is_kept}

    def kept(self, campaign: int) -> set[str]:
        """Return the names of contacts of whom it was known before an opt-out."""
        return {row.contact.name for row in self._human_rows(campaign) if row.is_kept}

    def _human_rows(self, campaign: int) -> list[Row]:
        return [
            row for row in self.rows if row.place.campaign == campaign and not row.place.machine
        ]

    def _settle(self, contacts: list[Contact], *, keep: bool) -> None:
        """Anonymize the events of messages that are not IDENTIFIED any more, or keep them on other slots."""
        moved: dict[tuple[int, int], int] = {}
        for row in [row for row in self.rows if row.contact in contacts]:
            mode = self.mode_of_contact(row.contact, row.place.campaign)
            if mode is Mode.IDENTIFIED:
                continue
            if keep:
                key = (row.place.campaign, row.slot)
                row.slot = moved.setdefault(key, next(self._slots))
                row.is_kept = True
                continue
            self.rows.remove(row)
            if mode is Mode.ANONYMOUS:
                self._count_anonymous(row.place, row.slot)
            else:
                self.aggregate[row.place] += 1

    def _count_anonymous(self, place: Place, slot: int) -> None:
        self.anonymous[place] += 1
        self.seen.setdefault(place, set()).add(slot)

    def _contact(self, name: str) -> Contact:
        return self.contacts.setdefault(name, Contact(name))

    def _now(self) -> Moment:
        return self.moments[-1]

    def _next(self, policy: Policy, preferences: dict[Contact, State]) -> None:
        self.policy = policy
        self.moments.append(Moment(policy, preferences))

    def _since(self, campaign: int) -> list[Moment]:
        return self.moments[self.created[campaign] :]

    def _modes(self, state: State, campaign: int) -> list[Mode]:
        return [moment.policy.mode(state) for moment in self._since(campaign)]


def changed(policy: Policy, name: str, value: object) -> Policy:
    """Return a policy with one field changed."""
    return replace(policy, **{name: value})  # type: ignore[arg-type] # drawn for that field
