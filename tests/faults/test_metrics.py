"""Metrics have a series for each way to act, and none for whoever acts."""

import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hushpost_client import DoNotTrack, HushpostError, Verdict
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.mailing import clients_of, send

LABELS = {"method", "code", "name", "cause", "le", "generation"}
"""Of the service's metrics and of Python's; `python_info` aside."""

Series = set[tuple[str, frozenset[tuple[str, str]]]]


class Metered:
    """An authority of the test's own, with metrics."""

    def __init__(self, authority: RunningAuthority, address: str) -> None:
        self.authority = authority
        self._address = address

    def series(self) -> Series:
        """Return the names and labels of all that is served."""
        with urllib.request.urlopen(f"http://{self._address}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                (sample.name, frozenset(sample.labels.items()))
                for family in families
                for sample in family.samples
            }


@pytest.fixture
async def metered(tmp_path: Path) -> AsyncIterator[Metered]:
    """An authority that nobody else uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with AuthorityProcess(tmp_path, "--metrics-listen", address) as process:
        yield Metered(RunningAuthority(process, process.target, process.admin_key()), address)


async def _everything(authority: RunningAuthority, number: int) -> set[str]:
    """Have a tenant's readers do all that readers do; return what names tenant and readers."""
    readers = [f"canary-{number}-{reader}@mail.example.com" for reader in range(5 * number)]
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority)
        preferences, tracking = clients.sender.preferences, clients.edge.tracking
        mailing = await send(clients, readers, campaign_id=f"canary-{number}-campaign")
        await mailing.open(*readers)
        await mailing.click(*readers)
        await preferences.set_preference(readers[0], DoNotTrack.TRUE)
        await preferences.get_preference(readers[0])
        await preferences.erase_contact(readers[1])
        await mailing.open(*readers, verdict=Verdict.PREFETCH)
        await mailing.stats()
        await mailing.engaged()
        for token in ("canary-nonsense", mailing.tokens[readers[0]][:-1]):
            with pytest.raises(HushpostError):
                await tracking.record_open(token, verdict=Verdict.HUMAN)
        with pytest.raises(HushpostError):
            await preferences.get_preference("canary\x00")
        with pytest.raises(HushpostError):
            await clients.reporter.stats.get_campaign_stats("canary-nonsense")
    return {clients.tenant_id, "canary", *mailing.tokens.values()}


async def test_no_series_is_anybodys(metered: Metered) -> None:
    """A second tenant with other readers adds not one: no label can tell whom it counts."""
    names = await _everything(metered.authority, 1)
    first = metered.series()
    names |= await _everything(metered.authority, 2)
    second = metered.series()
    assert {name for name, _ in first} >= {
        "hushpost_rpc_seconds_count",
        "hushpost_commit_events_sum",
    }
    # Transactions that collide or fail do so by chance; their labels are checked below.
    added = {name for name, _ in second - first if "transaction" not in name}
    assert added == set()
    labels = {label for name, labels in second if name != "python_info" for label, _ in labels}
    assert labels <= LABELS
    said = repr(second)
    assert not [name for name in names if name in said]
