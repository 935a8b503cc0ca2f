"""No metric of the edge or the authority tells that somebody acted."""

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_edge import metrics
from tests.authority import AuthorityProcess
from tests.free_port import free_port
from tests.waiting import until

from .conftest import counts, send, set_up
from .edge_process import EdgeProcess
from .raw_http import get
from .test_outage import click, connect

PLAYS = 8
MAX_SEEN = 4
"""A click shows in one of about five sampled series once in 50 times."""

_TIMES = re.compile(
    # What time alone changes, and what the calls of this test change.
    "^(process_|python_gc_|# |hushpost_local_clock|.*_created|hushpost_rpc_(calls|seconds).*"
    'method="(GetCampaignStats|GetSpoolPublicKey|OpenSpoolKey)")'
)


@dataclass(frozen=True)
class Watched:
    """An edge, the address of the authority's metrics, and the tokens of a mailing."""

    edge: EdgeProcess
    metrics: str
    tokens: list[str]

    async def series(self) -> set[str]:
        """Return the lines of all metrics with their values."""
        text = (await get(self.edge.port, "/metrics")).body.decode()
        text += await asyncio.to_thread(self._of_authority)
        return {line for line in text.splitlines() if not _TIMES.match(line)}

    def _of_authority(self) -> str:
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
            return text


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """An edge and an authority that no other test uses; each token must click once."""
    address = f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        process = stack.enter_context(
            AuthorityProcess(tmp_path / "authority", "--metrics-listen", address)
        )
        own = await set_up(process.target, process.admin_key())
        sender = await stack.enter_async_context(connect(process, own.sender_key))
        reporter = await stack.enter_async_context(connect(process, own.reporter_key))
        mailing = await send(sender, [f"reader-{number}" for number in range(PLAYS)])
        edge = stack.enter_context(EdgeProcess(tmp_path / "edge", process.target, own.edge_key))
        yield Watched(edge, address, list(mailing.tokens.values()))
        assert (await counts(reporter, mailing)).clicks == PLAYS


async def test_a_click_changes_no_metric(watched: Watched) -> None:
    """A reader of all metrics before and after a click sees no difference, but for chance."""
    seen = 0
    for token in watched.tokens:
        before = await watched.series()
        await click(watched.edge.port, [token])
        during = await watched.series()
        await until(lambda: watched.edge.waiting_events() == 0)
        after = await watched.series()
        seen += not before == during == after
    assert seen <= MAX_SEEN


async def test_the_control_changes_a_metric(watched: Watched) -> None:
    """A request that is counted exactly, because it records nothing, is seen every time."""
    for _ in range(PLAYS):
        before = await watched.series()
        assert (await get(watched.edge.port, "/c/nonsense/1")).status == 404
        assert await watched.series() != before
    await click(watched.edge.port, watched.tokens)
    await until(lambda: watched.edge.waiting_events() == 0)


@pytest.mark.parametrize(
    ("events", "shown"), [(0, 0), (1, 1), (2, 10), (10, 10), (11, 100), (999, 1_000)]
)
def test_the_quarantine_is_rounded_up(events: int, shown: int) -> None:
    """To a power of ten: an alert sees the first event, but not how many there are."""
    metrics.set_quarantine({"LINK_NOT_FOUND": events}, 0)
    gauge = metrics._QUARANTINE_EVENTS.labels("LINK_NOT_FOUND")
    assert next(iter(gauge.collect())).samples[0].value == shown


def test_the_backlog_is_rounded_down() -> None:
    """To a MiB and a minute; so it is 0 while the authority is there."""
    for size, seconds, shown in ((4_096, 59.9, (0, 0)), (3 << 20, 125.0, (3 << 20, 120))):
        metrics.set_backlog(size + 5, seconds)
        gauges = (metrics._SPOOL_BYTES, metrics._OLDEST_SECONDS)
        values = [next(iter(gauge.collect())).samples[0].value for gauge in gauges]
        assert tuple(values) == shown
