"""What contacts decided about the purposes of individual tracking. Pure."""

from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

__all__ = ["UNKNOWN", "ByPurpose", "Consent", "DoNotTrack", "Purpose"]

T = TypeVar("T")


class Purpose(IntEnum):
    """A kind of event that a contact consents to separately. Numbers are stored."""

    OPENS = 1
    CLICKS = 2


class ByPurpose(NamedTuple, Generic[T]):
    """A value for opens and one for clicks."""

    opens: T
    clicks: T

    def of(self, purpose: Purpose) -> T:
        """Return the value of a purpose."""
        return self.opens if purpose is Purpose.OPENS else self.clicks


class Consent(IntEnum):
    """A decision about one purpose. Values as in `hushpost.v1.Consent`."""

    UNKNOWN = 1
    GRANTED = 2
    DENIED = 3
    WITHDRAWN = 4

    def is_looser_than(self, other: "Consent") -> bool:
        """Return whether this permits more: GRANTED, then UNKNOWN, then DENIED and WITHDRAWN.

        The policy has no influence: this compares what the recipient decided.
        """
        return _STRICTNESS[self] < _STRICTNESS[other]


_STRICTNESS = {Consent.GRANTED: 0, Consent.UNKNOWN: 1, Consent.DENIED: 2, Consent.WITHDRAWN: 2}

UNKNOWN = ByPurpose(Consent.UNKNOWN, Consent.UNKNOWN)
"""The consent of contacts who have not decided anything."""


class DoNotTrack(IntEnum):
    """The simple view of a contact's consent. Values as in `hushpost.v1.DoNotTrack`."""

    UNSET = 1
    FALSE = 2
    TRUE = 3

    @classmethod
    def of(cls, consents: ByPurpose[Consent]) -> "DoNotTrack":
        """Return the view of the stricter of two consents."""
        strictest = max(consents, key=_STRICTNESS.__getitem__)
        return _VIEWS[strictest]

    def applied_to(self, consents: ByPurpose[Consent]) -> ByPurpose[Consent]:
        """Return the consents after this has been set.

        TRUE makes GRANTED consent WITHDRAWN and UNKNOWN consent DENIED; a refusal stays as it
        was.
        """
        return ByPurpose(*(self._applied_to(consent) for consent in consents))

    def _applied_to(self, consent: Consent) -> Consent:
        if self is DoNotTrack.FALSE:
            return Consent.GRANTED
        if self is DoNotTrack.UNSET:
            return Consent.UNKNOWN
        return _REFUSED[consent]


_VIEWS = {
    Consent.UNKNOWN: DoNotTrack.UNSET,
    Consent.GRANTED: DoNotTrack.FALSE,
    Consent.DENIED: DoNotTrack.TRUE,
    Consent.WITHDRAWN: DoNotTrack.TRUE,
}
_REFUSED = {
    Consent.UNKNOWN: Consent.DENIED,
    Consent.GRANTED: Consent.WITHDRAWN,
    Consent.DENIED: Consent.DENIED,
    Consent.WITHDRAWN: Consent.WITHDRAWN,
}
