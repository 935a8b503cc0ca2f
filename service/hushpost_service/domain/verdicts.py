"""Who caused an event. Pure."""

from enum import IntEnum

__all__ = ["Verdict"]


class Verdict(IntEnum):
    """Who caused an event. Values as in `hushpost.v1.Verdict`."""

    HUMAN = 1
    PROXY = 2
    PREFETCH = 3
    SCANNER = 4
    UNKNOWN = 5

    @property
    def is_machine(self) -> bool:
        """Whether no person stands behind the event.

        An image proxy fetches when its reader reads, and UNKNOWN means that
        nothing spoke against a person: both count as human.
        """
        return self in (Verdict.PREFETCH, Verdict.SCANNER)
