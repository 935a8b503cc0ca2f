"""Verdicts: what caused an event. Pure."""

from enum import IntEnum

__all__ = ["Verdict"]


class Verdict(IntEnum):
    """What caused an event. Values as in `hushpost.v1.Verdict`.

    The edge decides it (`hushpost_edge.classifier`). A new verdict also needs a value in
    `privacy.proto`, in the client's enum, and a row in docs/reference/verdicts.md.
    """

    HUMAN = 1
    PROXY = 2
    PREFETCH = 3
    SCANNER = 4
    UNKNOWN = 5

    @property
    def is_machine(self) -> bool:
        """Whether the verdict is automated.

        PROXY and UNKNOWN count as human: an image proxy fetches when a person reads,
        and UNKNOWN means that nothing indicated a machine.
        """
        return self in (Verdict.PREFETCH, Verdict.SCANNER)
