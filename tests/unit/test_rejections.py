"""Rejections of repeated batches."""

from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tracking.rejections import Rejection, first_rejections, packed_rejections

REASONS = st.sampled_from((Reason.LINK_NOT_FOUND, Reason.TOKEN_INVALID, Reason.EVENT_TIME_TOO_OLD))
Reasons = dict[int, Reason]

verdicts = st.dictionaries(st.integers(0, 29), REASONS)


def _rejections(reasons: Reasons) -> list[Rejection]:
    return [Rejection(n, HushpostError(reason, "")) for n, reason in sorted(reasons.items())]


def _stored(reasons: Reasons) -> bytes:
    return packed_rejections(_rejections(reasons)) if reasons else b""


def _found(rejections: list[Rejection]) -> list[tuple[int, Reason]]:
    return [(rejection.index, rejection.error.reason) for rejection in rejections]


@given(verdicts, verdicts, st.lists(st.sampled_from((None, 1, 2, 3)), min_size=30, max_size=30))
def test_items_keep_the_verdict_that_they_were_recorded_with(
    first: Reasons, now: Reasons, tenants: list[int | None]
) -> None:
    """Items of tenants 1 and 2, for which the request was executed, have the first verdicts."""
    found = first_rejections(_rejections(now), tenants, {1: _stored(first), 2: _stored({})})
    expected = {}
    for index, tenant in enumerate(tenants):
        reasons = {1: first, 2: {}}.get(tenant or 0, now)
        if index in reasons:
            expected[index] = reasons[index]
    assert _found(found) == sorted(expected.items())


@given(verdicts)
def test_what_is_stored_has_positions_and_reasons(reasons: Reasons) -> None:
    """All rejections come back."""
    tenants: list[int | None] = [1] * 30
    assert _found(first_rejections([], tenants, {1: _stored(reasons)})) == sorted(reasons.items())
