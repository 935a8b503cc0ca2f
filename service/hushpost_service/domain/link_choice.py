"""Chooses the links on which each contact's clicks count. Pure."""

from collections.abc import Mapping

import numpy as np

from hushpost_service.domain.release_plan import LINKS_PER_CONTACT

__all__ = ["counted_slots"]


def counted_slots(bitmaps: Mapping[int, bytes], rng: np.random.Generator) -> dict[int, int]:
    """Return how many slots count for each link.

    A slot that clicked several links counts on `LINKS_PER_CONTACT` of them, chosen at random:
    neither the time of the clicks nor the number of a link has an influence.

    Args:
        bitmaps: For each link, the slots of one chunk that clicked it.
        rng: Chooses the links, independently of the clicks. It need not be secret: a contact
            changes the counts by at most its bound for all choices of the others.
    """
    if not bitmaps:
        return {}
    links = sorted(bitmaps)
    marks = np.array([np.frombuffer(bitmaps[link], np.uint8) for link in links])
    marked = np.unpackbits(marks, axis=1).astype(np.bool_)
    # Most slots have one link or none. The others draw a number for each link, and those that
    # they clicked with the smallest numbers count.
    several = np.flatnonzero(marked.sum(axis=0) > LINKS_PER_CONTACT)
    drawn = np.where(marked[:, several].T, rng.random((len(several), len(links))), np.inf)
    chosen = np.argsort(drawn, axis=1)[:, :LINKS_PER_CONTACT]
    marked[:, several] = False
    marked[chosen.T, several] = True
    return dict(zip(links, marked.sum(axis=1).tolist(), strict=True))
