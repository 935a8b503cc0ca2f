"""How long an opt-out or an erasure takes does not reveal whether the contact had acted."""

import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack, Event, Hushpost
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.mailing import GROUP, URLS, clients_of

from .attack import FULL, SEED, Attack, Score
from .conftest import Report

CONTACTS = 150 if FULL else 30
"""Contacts who acted, and as many who did not."""

CAMPAIGNS = 60
"""Enough for a difference that a busy machine does not hide."""

MAX_AUC = 0.65 if FULL else 0.85
"""More than four standard errors above chance."""

MIN_CONTROL_AUC = 0.8

OptOut = Callable[[Hushpost, str], Awaitable[object]]

METHODS: dict[str, OptOut] = {
    "SetPreference": lambda sender, name: sender.preferences.set_preference(name, DoNotTrack.TRUE),
    "EraseContact": lambda sender, name: sender.preferences.erase_contact(name),
}


@pytest.mark.parametrize("method", METHODS)
async def test_the_time_of_an_opt_out_tells_nothing(
    tmp_path: Path, method: str, report: Report
) -> None:
    """An attacker who guesses that the slower of two contacts had acted is right half the time."""
    real = await attack(tmp_path / "real", METHODS[method], step_seconds=0.1)
    control = await attack(tmp_path / "control", METHODS[method], step_seconds=0)
    report(Attack(f"timing: {method}", real, control, chance=0.5))
    assert 1 - MAX_AUC < real.share < MAX_AUC
    assert control.share > MIN_CONTROL_AUC


async def attack(folder: Path, opt_out: OptOut, *, step_seconds: float) -> Score:
    """Time the opt-outs of contacts, and compare each who acted with each who did not.

    The share of successes is the area under the ROC curve (AUC).
    """
    rng = random.Random(SEED)  # noqa: S311 - an order, not a secret
    names = [f"reader-{number}" for number in range(2 * CONTACTS)]
    with AuthorityProcess(folder, f"--opt-out-step-seconds={step_seconds}") as process:
        authority = RunningAuthority.of(process)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, authority)
            sender = clients.sender
            for number in range(CAMPAIGNS):
                await sender.campaigns.create_campaign(f"c{number}", links=URLS, groups=[GROUP])
                issued = await sender.campaigns.issue_tokens(f"c{number}", GROUP, names)
                tokens = [item.token for item in issued.tokens if item.token]
                events = [
                    Event(token, link_number=link or None)
                    for token in tokens[:CONTACTS]
                    for link in (0, 1, 2)
                ]
                assert not (await clients.edge.tracking.record_events(events)).rejected
            seconds: dict[str, float] = {}
            for name in rng.sample(names, len(names)):
                start = time.perf_counter()
                await opt_out(sender, name)
                seconds[name] = time.perf_counter() - start
    acted, others = names[:CONTACTS], names[CONTACTS:]
    slower = sum(seconds[one] > seconds[other] for one in acted for other in others)
    return Score(len(acted) * len(others), slower)
