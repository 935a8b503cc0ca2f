"""What stands between the tokens of a message, and how they come together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hushpost_mail._urls import Insertion, Slot

__all__ = ["Content", "Cut", "Pieces", "cut"]

Content = TypeVar("Content", str, bytes)


@dataclass(frozen=True, slots=True)
class Cut(Generic[Content]):
    """A place of a content that makes room for a slot.

    Attributes:
        start: Index of what is taken out.
        end: Index after it; equal to `start` where nothing is.
        before: What is put in before the slot.
        slot: What differs between messages.
        after: What is put in after it.
    """

    start: int
    end: int
    before: Content
    slot: Slot
    after: Content


@dataclass(frozen=True, slots=True)
class Pieces(Generic[Content]):
    """A content without its tokens.

    Preference tokens go between the groups, tracking tokens between the pieces
    of a group: two kinds of separator, so that a message is made by `join`.
    """

    groups: tuple[tuple[Content, ...], ...]

    def joined(self, token: Content, preference_token: Content) -> Content:
        """Put the tokens in."""
        return preference_token.join([token.join(group) for group in self.groups])

    @property
    def takes_preference_token(self) -> bool:
        """Whether there is a place for one."""
        return len(self.groups) > 1


def cut(content: Content, cuts: Iterable[Cut[Content]]) -> Pieces[Content]:
    """Take a content apart at places that stand in order and do not overlap."""
    empty = content[:0]
    groups: list[list[Content]] = [[]]
    pending, at = empty, 0
    for place in cuts:
        groups[-1].append(pending + content[at : place.start] + place.before)
        if place.slot is Slot.PREFERENCE_TOKEN:
            groups.append([])
        pending, at = place.after, place.end
    groups[-1].append(pending + content[at:])
    return Pieces(tuple(tuple(group) for group in groups))


def placed(insertion: Insertion, start: int, end: int) -> Cut[str]:
    """Answer the cut that puts an insertion in the place of a text's part."""
    return Cut(start, end, insertion.before, insertion.slot, insertion.after)


def without_tracking(cuts: Sequence[Cut[Content]]) -> list[Cut[Content]]:
    """Answer the cuts that are made in the mode OFF: the preference links alone."""
    return [place for place in cuts if place.slot is Slot.PREFERENCE_TOKEN]
