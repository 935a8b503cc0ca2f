"""The behaviour of recipients in the past hours. Pure.

The habits are invented, but not their proportions: most who open do so in the
first hours, mail programs that fetch for everybody are nearly half of all, and
security gateways follow every link of a message at once.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from hushpost_client import Verdict

__all__ = ["ROUNDS", "Deed", "deeds", "deeds_around_opt_out"]

ROUNDS = 7
"""Hours before the present one in which mail was read."""

_LAST = ROUNDS - 1
_HABITS = {
    "subscribers": (0.62, 0.50),
    "customers": (0.71, 0.58),
    "partners": (0.55, 0.42),
    "press": (0.48, 0.30),
}
"""By group: the open rate, and the click rate among openers."""

_VERDICTS = (Verdict.HUMAN, Verdict.PROXY, Verdict.UNKNOWN)
_LINK_WEIGHTS = (5, 4, 8, 3, 1)
_PREFETCHED, _SCANNED, _SIGNALS = 0.45, 0.20, 0.10


class Deed(NamedTuple):
    """An open (link 0) or a click (link n), in a round."""

    round: int
    link: int
    verdict: Verdict = Verdict.HUMAN
    privacy_signal: bool = False


def deeds(group: str, links: int, rng: random.Random) -> Iterator[Deed]:
    """Generate the events of one message."""
    if rng.random() < _PREFETCHED:
        for _ in range(rng.randint(1, 3)):
            yield Deed(rng.randint(0, 1), 0, Verdict.PREFETCH)
    if rng.random() < _SCANNED:
        for link in range(links + 1):
            yield Deed(0, link, Verdict.SCANNER)
    (verdict,) = rng.choices(_VERDICTS, (55, 30, 15))
    privacy_signal = rng.random() < _SIGNALS
    for number, link in _read(group, links, rng):
        yield Deed(number, link, verdict, privacy_signal)


def deeds_around_opt_out(leaves: int, links: int, rng: random.Random) -> Iterator[Deed]:
    """Generate events before, during and after an opt-out."""
    for number in (leaves - 2, leaves - 1, leaves, leaves, leaves + 1):
        yield Deed(number, 0)
        yield Deed(number, rng.randint(1, links))


def _read(group: str, links: int, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Generate a person's events as (round, link)."""
    opening, clicking = _HABITS.get(group, (0.6, 0.5))
    if rng.random() >= opening:
        return
    first = min(int(rng.expovariate(0.4)), _LAST)
    yield first, 0
    for _ in range(min(int(rng.expovariate(0.4)), 8)):
        yield rng.randint(first, _LAST), 0
    if rng.random() < clicking:
        weights = [_LINK_WEIGHTS[link % len(_LINK_WEIGHTS)] for link in range(links)]
        for link in rng.choices(range(1, links + 1), weights, k=rng.randint(1, 5)):
            yield rng.randint(first, _LAST), link
