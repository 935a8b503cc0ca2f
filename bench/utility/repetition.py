"""What the releases of many campaigns reveal together about one contact with a habit."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.noise import with_noise
from hushpost_service.domain.release_plan import LINKS_PER_CONTACT, CountKind, ReleasePlan

__all__ = ["auc_by_campaigns"]

_PLAYS = 1_000
"""Contacts with each of the two habits."""

_PEOPLE, _OPEN_RATE, _CLICK_RATE = 1_000, 0.4, 0.03
"""The other contacts of each campaign, of whom the weaker reader knows only the rates."""

_CELLS = {CountKind.OPENS: 1, CountKind.CLICKERS: 1, CountKind.LINKS: LINKS_PER_CONTACT}
"""In how many counts of a kind a contact with the habit is."""

Scores = npt.NDArray[np.float64]


def auc_by_campaigns(
    plan: ReleasePlan, kinds: Sequence[CountKind], campaigns: Sequence[int], *, knows_others: bool
) -> list[float]:
    """Return how well a reader of all releases tells a contact that always acts from one that never does.

    The result is the area under the ROC curve: 0.5 is guessing, 1 is certainty. It is the
    probability that of two contacts, one with each habit, the reader picks the right one.

    Args:
        plan: The noise.
        kinds: The counts that the contact's acts change.
        campaigns: Numbers of campaigns, ascending.
        knows_others: Whether the reader knows what all other contacts did, or only at which
            rates they act.
    """
    scores = [
        sum(
            (_scores(plan, kind, campaigns[-1], acts=acts, knows_others=knows_others))
            for kind in kinds
            for _ in range(_CELLS[kind])
        )
        for acts in (0, 1)
    ]
    never, always = (np.cumsum(each, axis=1) for each in scores)
    return [_auc(never[:, number - 1], always[:, number - 1]) for number in campaigns]


def _scores(
    plan: ReleasePlan, kind: CountKind, campaigns: int, *, acts: int, knows_others: bool
) -> Scores:
    """Return the reader's evidence that the contacts acted, of shape (plays, campaigns)."""
    shape = (_PLAYS, campaigns)
    rate = _OPEN_RATE if kind is CountKind.OPENS else _CLICK_RATE
    others = np.random.default_rng().binomial(_PEOPLE, rate, shape)
    evidence = np.zeros(shape)
    for date in range(plan.dates):
        scale = plan.scale(date, kind, machine=False)
        noise = np.array(with_noise([0] * evidence.size, [scale] * evidence.size)).reshape(shape)
        if knows_others:
            # The logarithm of the likelihood ratio: no other test has more power.
            evidence += (np.abs(acts + noise) - np.abs(acts + noise - 1)) / scale
        else:
            # Of the dates' counts of the same people, weighted by their precision.
            released = others + acts + noise
            evidence += (released - _PEOPLE * rate) / (2 * scale**2)
    return evidence


def _auc(negative: Scores, positive: Scores) -> float:
    """Return the probability that a positive score is higher; ties count half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / (2 * len(negative)))
