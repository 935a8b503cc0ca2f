"""An independent model of modes and counts: slow and simple.

It shares no code with the service. The service stores as little history as possible;
the model keeps every past state and decides by looking at all of them.
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
    """The part of a policy that modes and anonymization depend on."""

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
    """A contact from its creation to its erasure. Its id may later name another contact."""

    name: str
    is_erased: bool = False


@dataclass(frozen=True)
class Place:
    """The place of a count, without its mode."""

    campaign: int
    signal: int
    machine: bool


@dataclass(frozen=True)
class Token:
    """The token of a message. `contact` is None unless the mode is IDENTIFIED."""

    campaign: int
    mode: Mode
    contact: Contact | None
    slot: int


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
    preferences: dict[Contact, State]


@dataclass
class Model:
    """The expected state of a tenant."""

    policy: Policy
    contacts: dict[str, Contact] = field(default_factory=dict)
    history: list[Snapshot] = field(default_factory=list)
    created: list[int] = field(default_factory=list)
    sent: Counter[tuple[int, Mode]] = field(default_factory=Counter)
    issued: set[tuple[int, Contact]] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    anonymous: Counter[Place] = field(default_factory=Counter)
    seen: dict[Place, set[int]] = field(default_factory=dict)
    aggregate: Counter[Place] = field(default_factory=Counter)
    _slots: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.history.append(Snapshot(self.policy, {}))

    def set_preference(self, name: str, state: State, *, keep: bool | None) -> None:
        """Set a preference; anonymize or keep past events. None means what the policy sets."""
        contact = self._contact(name)
        before = self._now().preferences.get(contact, State.UNSET)
        self._next(self.policy, {**self._now().preferences, contact: state})
        is_repeated = state is before and keep is not False
        if self.policy.mode(state) > Mode.IDENTIFIED and not is_repeated:
            self.anonymize_or_keep([contact], keep=self.policy.keep if keep is None else keep)

    def update_policy(self, policy: Policy) -> None:
        """Change the policy; if it is stricter, anonymize or keep the past events it affects."""
        is_stricter = any(policy.mode(state) > self.policy.mode(state) for state in State)
        self._next(policy, self._now().preferences)
        if is_stricter:
            states = self._now().preferences
            affected = [
                contact
                for contact in self.contacts.values()
                if states.get(contact, State.UNSET) is not State.FALSE
            ]
            self.anonymize_or_keep(affected, keep=policy.keep)

    def create_campaign(self) -> None:
        """Create a campaign."""
        self.created.append(len(self.history) - 1)

    def issue(self, campaign: int, name: str) -> Token:
        """Send a message; further ones to a contact in a campaign are AGGREGATE."""
        contact = self._contact(name)
        mode = self.mode_of_contact(contact, campaign)
        if (campaign, contact) in self.issued:
            mode = max(mode, Mode.AGGREGATE)
        self.issued.add((campaign, contact))
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
            self.count_anonymous(place, token.slot)
        elif mode is Mode.AGGREGATE:
            self.aggregate[place] += 1

    def erase(self, name: str) -> None:
        """Erase a contact."""
        contact = self.contacts.pop(name, None)
        if contact is not None:
            contact.is_erased = True
            self.anonymize_or_keep([contact], keep=False)

    def mode_of_contact(self, contact: Contact, campaign: int) -> Mode:
        """Return the strictest mode that the contact has had since the campaign was created."""
        if contact.is_erased:
            return max(
                Mode.ANONYMOUS, *(mode for state in State for mode in self._modes(state, campaign))
            )
        return max(
            snapshot.policy.mode(snapshot.preferences.get(contact, State.UNSET))
            for snapshot in self._since(campaign)
        )

    def mode_of_token(self, token: Token) -> Mode:
        """Return the mode that an event of the message has now."""
        if token.contact is not None:
            return self.mode_of_contact(token.contact, token.campaign)
        mode = token.mode
        for state in State:
            modes = self._modes(state, token.campaign)
            if token.mode in modes:
                mode = max(mode, *modes[modes.index(token.mode) :])
        return mode

    def engaged(self, campaign: int) -> set[str]:
        """Return the ids of identified contacts that opened or clicked."""
        return {row.contact.name for row in self._human_rows(campaign) if not row.is_kept}

    def kept(self, campaign: int) -> set[str]:
        """Return the ids of contacts whose identified events were kept at an opt-out."""
        return {row.contact.name for row in self._human_rows(campaign) if row.is_kept}

    def _human_rows(self, campaign: int) -> list[Row]:
        return [
            row for row in self.rows if row.place.campaign == campaign and not row.place.machine
        ]

    def anonymize_or_keep(self, contacts: list[Contact], *, keep: bool) -> None:
        """Anonymize or keep the events of messages that are no longer IDENTIFIED.

        Kept events move to other slots. `tests.privacy.expected_counts` overrides this.
        """
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
                self.count_anonymous(row.place, row.slot)
            else:
                self.aggregate[row.place] += 1

    def count_anonymous(self, place: Place, slot: int) -> None:
        """Count an anonymous event. `tests.privacy.expected_counts` overrides this."""
        self.anonymous[place] += 1
        self.seen.setdefault(place, set()).add(slot)

    def _contact(self, name: str) -> Contact:
        return self.contacts.setdefault(name, Contact(name))

    def _now(self) -> Snapshot:
        return self.history[-1]

    def _next(self, policy: Policy, preferences: dict[Contact, State]) -> None:
        self.policy = policy
        self.history.append(Snapshot(policy, preferences))

    def _since(self, campaign: int) -> list[Snapshot]:
        return self.history[self.created[campaign] :]

    def _modes(self, state: State, campaign: int) -> list[Mode]:
        return [snapshot.policy.mode(state) for snapshot in self._since(campaign)]


def changed(policy: Policy, name: str, value: object) -> Policy:
    """Return a policy with one field changed."""
    return replace(policy, **{name: value})  # type: ignore[arg-type] # generated for that field
