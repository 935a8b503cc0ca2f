"""How long a crash interrupts the service."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.mailing import clients_of, send
from tests.waiting import until

from .extent import FULL
from .steady_calls import steady_calls

CALLERS = 16
SOME = 200
CRASHES = 3

GAP_SECONDS = 20
"""A generous bound; the test prints the figures."""


@pytest.mark.skipif(not FULL, reason="a measurement")
async def test_a_crash_of_the_authority_interrupts_it_briefly(tmp_path: Path) -> None:
    """After kill -9 and an immediate restart, calls succeed again within seconds."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority, keys=await make_tenant(authority))
        tokens = list(
            (await send(clients, [f"r{number}" for number in range(200)])).tokens.values()
        )
        gaps, starts = [], []
        for _ in range(CRASHES):
            async with steady_calls(clients.edge, tokens, CALLERS) as calls:
                await until(lambda: len(calls.acknowledged) > SOME)
                process.kill()
                start = time.monotonic()
                await asyncio.to_thread(process.start)
                starts.append(time.monotonic() - start)
                before = len(calls.acknowledged)
                await until(lambda: len(calls.acknowledged) > before + SOME)  # noqa: B023
            gaps.append(calls.longest_gap)
        print(  # noqa: T201
            f"\nkill -9 under the load of {CALLERS} callers, {CRASHES} times: no call succeeded for "
            f"{_listed(gaps)} s, of which the start took {_listed(starts)} s"
        )
        assert max(gaps) < GAP_SECONDS


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds)
