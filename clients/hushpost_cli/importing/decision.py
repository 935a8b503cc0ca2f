"""What the rows of a contact say about individual tracking, and how they are combined."""

from enum import IntEnum
from typing import NamedTuple

from hushpost_client import Consent, DoNotTrack

__all__ = ["KEEP", "Decision", "Wish"]


class Wish(IntEnum):
    """What a file says about one purpose, from the least to the most strict."""

    GRANTED = 1
    UNKNOWN = 2
    REFUSED = 3
    """As `doNotTrack` true: WITHDRAWN if consent had been granted, else DENIED."""
    DENIED = 4
    WITHDRAWN = 5


class Decision(NamedTuple):
    """What a file says about both purposes; None leaves a purpose as it is."""

    opens: Wish | None
    clicks: Wish | None

    @classmethod
    def of_both(cls, wish: Wish) -> "Decision":
        """Return the same decision for both purposes."""
        return cls(wish, wish)

    def combined(self, other: "Decision") -> "Decision":
        """Return the stricter of two decisions for each purpose.

        No refusal is lost, and the order of the rows is irrelevant.
        """
        return Decision(_stricter(self.opens, other.opens), _stricter(self.clicks, other.clicks))

    @property
    def do_not_track(self) -> DoNotTrack | None:
        """The decision for both purposes as `do_not_track`; None if `consents` has it."""
        if Wish.REFUSED in self:
            return DoNotTrack.TRUE
        if self.opens is self.clicks:
            return _DO_NOT_TRACK.get(self.opens)
        return None

    @property
    def consents(self) -> tuple[Consent | None, Consent | None]:
        """The consent to opens and to clicks; None if `do_not_track` has it, or to keep it."""
        if self.do_not_track is not None:
            return None, None
        return _CONSENTS[self.opens], _CONSENTS[self.clicks]

    @property
    def strictness(self) -> int:
        """A number that is greater for stricter decisions."""
        return sum(wish or 0 for wish in self)


KEEP = Decision(None, None)
"""Leaves the preference as it is."""


_DO_NOT_TRACK: dict[Wish | None, DoNotTrack] = {
    Wish.GRANTED: DoNotTrack.FALSE,
    Wish.UNKNOWN: DoNotTrack.UNSET,
}
_CONSENTS = {
    None: None,
    Wish.GRANTED: Consent.GRANTED,
    Wish.UNKNOWN: Consent.UNKNOWN,
    Wish.DENIED: Consent.DENIED,
    Wish.WITHDRAWN: Consent.WITHDRAWN,
}


def _stricter(one: Wish | None, other: Wish | None) -> Wish | None:
    return max((wish for wish in (one, other) if wish is not None), default=None)
