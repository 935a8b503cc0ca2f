"""Splits the events of a cell by kind, and predicts the published counts. Pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hushpost_client import Count, Mode

__all__ = ["Event", "Part", "Parts", "clickers", "messages", "parts"]


@dataclass(slots=True)
class Event:
    """One event. `link` 0 is an open.

    `is_anonymized`: it was identified until its contact opted out.
    """

    message: int
    link: int
    time: datetime
    machine: bool
    mode: Mode
    is_anonymized: bool = False


class Part(NamedTuple):
    """Events of one kind in a cell, and their distinct people (0 in mode AGGREGATE)."""

    events: list[Event]
    people: int

    def published(self, quorum: int) -> Count:
        """Return the first published count: multiples of the quorum, or all identified events.

        Each published person counts with one event; repeats follow with later people.
        """
        total, people = len(self.events), self.people
        if quorum == 1 or not total or self.events[0].mode is Mode.IDENTIFIED:
            return Count(total, people)
        if self.events[0].mode is Mode.AGGREGATE:
            return Count(total - total % quorum, 0)
        published = people - people % quorum
        return Count(published, published)


class Parts(NamedTuple):
    """The events of a cell by kind.

    `unknown` are events that were anonymous from the start. The people of `anonymized`
    events are not counted again among them.
    """

    identified: Part
    unknown: Part
    anonymized: Part
    aggregate: Part


def parts(events: Iterable[Event], known: AbstractSet[int]) -> Parts:
    """Split events by kind; `known` are messages of people who are counted elsewhere."""
    kinds: dict[tuple[Mode, bool], list[Event]] = {}
    for event in events:
        kinds.setdefault((event.mode, event.is_anonymized), []).append(event)
    identified, unknown, anonymized = (
        kinds.get(kind, [])
        for kind in (
            (Mode.IDENTIFIED, False),
            (Mode.ANONYMOUS, False),
            (Mode.ANONYMOUS, True),
        )
    )
    return Parts(
        Part(identified, len(messages(identified))),
        Part(unknown, len(messages(unknown) - known)),
        Part(anonymized, len(messages(anonymized))),
        Part(kinds.get((Mode.AGGREGATE, False), []), 0),
    )


def messages(events: Iterable[Event]) -> set[int]:
    """Return the messages of events."""
    return {event.message for event in events}


def clickers(people: int, links: Iterable[int], quorum: int) -> int:
    """Return the published clickers of any link, given the published people per link.

    Each step of a link by the quorum lets the clickers advance by one quorum, or up to
    the count of that link.
    """
    if quorum == 1:
        return people
    published = 0
    for link in links:
        for reached in range(quorum, link + 1, quorum):
            if reached > published:
                published = reached
            elif people >= published + quorum:
                published += quorum
    return published
