"""One part of a message taken apart, with and without tracking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from hushpost_mail._charset import decode
from hushpost_mail._pieces import Content, Cut, Pieces, cut, without_tracking

__all__ = ["PartPieces", "bytes_part", "cut_part", "str_part"]

FindCuts = Callable[[str], list[Cut[str]]]
"""Answers the cuts of a text, in order."""


@dataclass(frozen=True, slots=True)
class PartPieces(Generic[Content]):
    """What a part consists of.

    Attributes:
        pieces: For messages with tracking.
        plain: For those without: what was given, cut at its preference links alone.
        encode: Turns a token into the kind of the part.
    """

    pieces: Pieces[Content]
    plain: Pieces[Content]
    encode: Callable[[str], Content]

    @property
    def takes_preference_token(self) -> bool:
        """Whether a preference link has a place in it."""
        return self.plain.takes_preference_token

    def tracked(self, token: str, preference_token: str) -> Content:
        """Answer the part with pixel and rewritten links."""
        return self.pieces.joined(self.encode(token), self.encode(preference_token))

    def untracked(self, preference_token: str) -> Content:
        """Answer the part as it was given, its preference links filled."""
        return self.plain.joined(self.encode(""), self.encode(preference_token))


def cut_part(
    content: Content, cuts: Sequence[Cut[Content]], encode: Callable[[str], Content]
) -> PartPieces[Content]:
    """Take a part apart."""
    return PartPieces(cut(content, cuts), cut(content, without_tracking(cuts)), encode)


def str_part(content: str, find: FindCuts) -> PartPieces[str]:
    """Take a string apart."""
    return cut_part(content, find(content), str)


def bytes_part(content: bytes, charset: str, find: FindCuts) -> PartPieces[bytes]:
    """Take bytes apart."""
    decoded = decode(content, charset)
    cuts = decoded.in_bytes(find(decoded.text))
    return cut_part(content, cuts, lambda token: token.encode(decoded.codec))
