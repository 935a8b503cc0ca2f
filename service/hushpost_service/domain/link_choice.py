"""Chooses the links on which each contact's clicks count. Pure."""

from collections.abc import Mapping
from random import Random

import numpy as np

from hushpost_service.domain.release_plan import LINKS_PER_CONTACT

__all__ = ["counted_slots"]


def counted_slots(bitmaps: Mapping[int, bytes], rng: Random) -> dict[int, int]:
    """Return how many slots count for each link.

    A slot that clicked several links counts on `LINKS_PER_CONTACT` of them, chosen at random:
    neither the time of the clicks nor the number of a link has an influence.

    Args:
        bitmaps: For each link, the slots of one chunk that clicked it.
        rng: Chooses the links. Its state must be secret and independent of the clicks.
    """
    if not bitmaps:
        return {}
    links = sorted(bitmaps)
    marks = np.array([np.frombuffer(bitmaps[link], np.uint8) for link in links])
    marked = np.unpackbits(marks, axis=1).astype(np.bool_)
    # Most slots have one link or none. The others draw.
    several = np.flatnonzero(marked.sum(axis=0) > LINKS_PER_CONTACT)
    for slot in several:
        clicked = np.flatnonzero(marked[:, slot])
        marked[rng.sample(clicked.tolist(), len(clicked) - LINKS_PER_CONTACT), slot] = False
    return dict(zip(links, marked.sum(axis=1).tolist(), strict=True))
