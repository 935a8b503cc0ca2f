"""Adding and subtracting all that was ever told, to be left with a few people."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from hushpost_client import Mode as ClientMode
from hushpost_client import PolicyUpdate, Verdict
from tests.conftest import RunningAuthority
from tests.mailing import clients_of
from tests.modes.model import Mode, State

from .attack import ATTACKS, FULL, SEED, Attack, Score
from .difference import Difference, Setup

_STORIES, _CONTROLS = (150, 20) if FULL else (12, 3)

_MODES = st.sampled_from((Mode.IDENTIFIED, Mode.ANONYMOUS, Mode.ANONYMOUS))
_SETUPS = st.builds(
    Setup,
    quorum=st.sampled_from((2, 2, 3, 4)),
    links=st.integers(1, 3),
    when_unset=_MODES,
    choices=st.lists(
        st.lists(st.sampled_from((State.FALSE, *State)), min_size=8, max_size=14),
        min_size=1,
        max_size=3,
    ),
)
_WHO = st.integers(0, 41)
_ACTS = st.tuples(
    st.just("act"),
    st.lists(_WHO, min_size=5, max_size=20),
    st.integers(0, 3),
    st.sampled_from((Verdict.HUMAN, Verdict.HUMAN, Verdict.HUMAN, Verdict.SCANNER)),
)
_STEPS = st.one_of(
    *[_ACTS] * 9,
    st.tuples(
        st.just("out"),
        st.lists(_WHO, min_size=3, max_size=8),
        st.sampled_from((False, False, True)),
    ),
    st.tuples(st.just("in"), _WHO),
    st.tuples(st.just("erase"), _WHO),
    st.tuples(st.just("mode"), _MODES),
    st.tuples(st.just("quorum"), st.integers(1, 4)),
    st.tuples(st.just("close")),
)
_STORY = st.lists(st.tuples(_STEPS, st.booleans()), min_size=20, max_size=40)
"""Steps, and whether the attacker asks after each."""


@dataclass
class _Tally:
    """Times of asking, of stories and of those with exact numbers; and how often numbers moved."""

    real: Score
    control: Score
    moved: int = 0


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[_Tally]:
    """What the stories have come to, for the summary."""
    told = _Tally(Score(0, 0), Score(0, 0))
    yield told
    attacks = request.config.stash.setdefault(ATTACKS, [])
    attacks.append(Attack("differences of answers", told.real, told.control))


def _stories(count: int) -> settings:
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(300)
@seed(SEED)
@_stories(_STORIES)
@given(setup=_SETUPS, story=_STORY)
async def test_no_combination_of_answers_is_a_few_people(
    authority: RunningAuthority, tally: _Tally, setup: Setup, story: list[tuple[Any, bool]]
) -> None:
    """Whatever happens, all that is told changes by whole quorums of people never known."""
    played = await _play(authority, setup, story, is_exact=False)
    tally.real = _plus(tally.real, played)
    tally.moved += played.moved
    assert not played.found


@seed(SEED)
@_stories(_CONTROLS)
@given(setup=_SETUPS, story=_STORY)
async def test_exact_numbers_give_a_few_people_away(
    authority: RunningAuthority, tally: _Tally, setup: Setup, story: list[tuple[Any, bool]]
) -> None:
    """The same combinations of exact numbers are a few people in nearly every story."""
    tally.control = _plus(tally.control, await _play(authority, setup, story, is_exact=True))


def test_the_attacker_can_subtract(tally: _Tally) -> None:
    """Numbers do move, and where they are exact, the attack succeeds."""
    assert tally.moved > _STORIES
    assert tally.control.succeeded > _CONTROLS


def _plus(score: Score, played: Difference) -> Score:
    return replace(
        score, tried=score.tried + played.tried, succeeded=score.succeeded + played.succeeded
    )


async def _play(
    authority: RunningAuthority, setup: Setup, story: list[tuple[Any, bool]], *, is_exact: bool
) -> Difference:
    policy = PolicyUpdate(
        quorum=1 if is_exact else setup.quorum,
        mode_when_unset=ClientMode(setup.when_unset.name),
    )
    async with AsyncExitStack() as stack:
        played = Difference(await clients_of(stack, authority, policy), setup, is_exact)
        await played.begin()
        for (kind, *details), does_ask in story:
            await _carry_out(played, kind, *details)
            if does_ask:
                await played.request_stats()
        await played.request_stats()
    return played


async def _carry_out(played: Difference, kind: str, *details: Any) -> None:
    match kind:
        case "act":
            await played.act(*details)
        case "out":
            for number in details[0]:
                await played.set_preference(played.name(number), State.TRUE, keep=details[1])
        case "in":
            await played.set_preference(played.name(*details), State.FALSE)
        case "erase":
            await played.erase(played.name(*details))
        case "mode":
            await played.set_mode(*details)
        case "quorum":
            await played.set_quorum(*details)
        case _:
            await played.close()
