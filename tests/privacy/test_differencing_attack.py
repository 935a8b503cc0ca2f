"""Differencing attack: combine all published statistics to isolate a few people."""

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
from .differencing import Difference, Setup

_EXAMPLES, _CONTROLS = (150, 20) if FULL else (12, 3)

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
_CONTACTS = st.integers(0, 41)
_ACTS = st.tuples(
    st.just("act"),
    st.lists(_CONTACTS, min_size=5, max_size=20),
    st.integers(0, 3),
    st.sampled_from((Verdict.HUMAN, Verdict.HUMAN, Verdict.HUMAN, Verdict.SCANNER)),
)
_STEPS = st.one_of(
    *[_ACTS] * 9,
    st.tuples(
        st.just("out"),
        st.lists(_CONTACTS, min_size=3, max_size=8),
        st.sampled_from((False, False, True)),
    ),
    st.tuples(st.just("in"), _CONTACTS),
    st.tuples(st.just("erase"), _CONTACTS),
    st.tuples(st.just("mode"), _MODES),
    st.tuples(st.just("quorum"), st.integers(1, 4)),
    st.tuples(st.just("close")),
)
_STEP_LISTS = st.lists(st.tuples(_STEPS, st.booleans()), min_size=20, max_size=40)
"""Steps, and whether the attacker requests the statistics after each."""


@dataclass
class _Tally:
    """Results of all examples against the real system and against the control.

    Attributes:
        moved: Requests in which a published number had changed.
    """

    real: Score
    control: Score
    moved: int = 0


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[_Tally]:
    """Collect the results of all examples for the summary."""
    results = _Tally(Score(0, 0), Score(0, 0))
    yield results
    attacks = request.config.stash.setdefault(ATTACKS, [])
    attacks.append(Attack("differences of responses", results.real, results.control))


def _example_settings(count: int) -> settings:
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(300)
@seed(SEED)
@_example_settings(_EXAMPLES)
@given(setup=_SETUPS, steps=_STEP_LISTS)
async def test_published_counts_change_by_whole_quorums(
    authority: RunningAuthority, tally: _Tally, setup: Setup, steps: list[tuple[Any, bool]]
) -> None:
    """All combinations of published counts change by at least a quorum of anonymous people."""
    attack = await _run_attack(authority, setup, steps, is_exact=False)
    tally.real = _add_result(tally.real, attack)
    tally.moved += attack.moved
    assert not attack.found


@seed(SEED)
@_example_settings(_CONTROLS)
@given(setup=_SETUPS, steps=_STEP_LISTS)
async def test_control_with_exact_counts_isolates_people(
    authority: RunningAuthority, tally: _Tally, setup: Setup, steps: list[tuple[Any, bool]]
) -> None:
    """With exact counts, the same combinations isolate fewer than k people."""
    tally.control = _add_result(
        tally.control, await _run_attack(authority, setup, steps, is_exact=True)
    )


def test_differencing_attack_is_effective(tally: _Tally) -> None:
    """Published counts change during the examples, and the attack succeeds on exact counts."""
    assert tally.moved > _EXAMPLES
    assert tally.control.succeeded > _CONTROLS


def _add_result(score: Score, attack: Difference) -> Score:
    return replace(
        score, tried=score.tried + attack.tried, succeeded=score.succeeded + attack.succeeded
    )


async def _run_attack(
    authority: RunningAuthority, setup: Setup, steps: list[tuple[Any, bool]], *, is_exact: bool
) -> Difference:
    policy = PolicyUpdate(
        quorum=1 if is_exact else setup.quorum,
        mode_when_unset=ClientMode(setup.when_unset.name),
    )
    async with AsyncExitStack() as stack:
        attack = Difference(await clients_of(stack, authority, policy), setup, is_exact)
        await attack.begin()
        for (kind, *details), does_request in steps:
            await _run_step(attack, kind, *details)
            if does_request:
                await attack.request_stats()
        await attack.request_stats()
    return attack


async def _run_step(attack: Difference, kind: str, *details: Any) -> None:
    match kind:
        case "act":
            await attack.act(*details)
        case "out":
            for number in details[0]:
                await attack.set_preference(attack.name(number), State.TRUE, keep=details[1])
        case "in":
            await attack.set_preference(attack.name(*details), State.FALSE)
        case "erase":
            await attack.erase(attack.name(*details))
        case "mode":
            await attack.set_mode(*details)
        case "quorum":
            await attack.set_quorum(*details)
        case _:
            await attack.close()
