"""Plays the present hour: HTTP visits to the edge, and opt-outs in between."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hushpost_demo.edge import RunningEdge
from tests.simulation.full_hour import clear_of_full_hour
from tests.simulation.grpc_player import Player
from tests.simulation.http_visits import Visiting
from tests.simulation.oracle import Model
from tests.simulation.oracle_feed import feed_events
from tests.simulation.plan import Step

__all__ = ["Visited", "play_steps"]

_PAUSE_SECONDS = 1.2
"""Longer than the interval in which the edge takes clicks on two links for a machine."""


@dataclass(slots=True)
class Visited:
    """The results of all visits.

    Attributes:
        opens: Opens that count.
        clicks: Clicks that count.
        damaged: Events that the authority refused, as it should.
        opt_outs: Contacts that opted out.
        differences: Unexpected responses.
    """

    opens: int = 0
    clicks: int = 0
    damaged: int = 0
    opt_outs: int = 0
    differences: list[str] = field(default_factory=list)


async def play_steps(
    edge: RunningEdge,
    player: Player,
    steps: Sequence[Step],
    model: Model,
) -> list[str]:
    """Play the steps in order, and wait until the edge has shipped all events.

    Feeds each step to the oracle.

    Raises:
        DemoError: if the edge does not answer.
        HushpostError: if an opt-out fails.
    """
    visited = Visited()
    refused = await edge.rejected()
    with Visiting(edge) as visiting:
        for number, step in enumerate(steps, 1):
            if number > 1:
                await asyncio.sleep(_PAUSE_SECONDS)
            await _visit(step, visiting, model, visited)
            if step.opt_outs:
                await edge.wait_until_shipped()
                await _opt_out(step, player, model, visited)
    visited.differences = visiting.differences
    await edge.wait_until_shipped()
    refused = await edge.rejected() - refused
    if visited.damaged != refused:
        visited.differences.append(
            f"events of the edge refused: expected {visited.damaged}, got {refused}"
        )
    return visited.differences


async def _visit(step: Step, visiting: Visiting, model: Model, visited: Visited) -> None:
    now = await clear_of_full_hour()
    try:
        async with asyncio.TaskGroup() as tasks:
            for visit in step.visits:
                tasks.create_task(visiting.visit(visit))
    except ExceptionGroup as failed:
        # The first error is enough; callers expect no exception group.
        raise failed.exceptions[0] from failed
    actions = [action for visit in step.visits for action in visit.actions(now)]
    feed_events(model, actions, ())
    clicks = sum(action.link > 0 for action in actions)
    visited.clicks += clicks
    visited.opens += len(actions) - clicks
    visited.damaged += sum(f.is_refused for visit in step.visits for f in visit.fetches)


async def _opt_out(step: Step, player: Player, model: Model, visited: Visited) -> None:
    for opt_out in step.opt_outs:
        await player.opt_out(opt_out)
    feed_events(model, (), step.opt_outs)
    visited.opt_outs += len(step.opt_outs)
