"""Metrics have no series per tenant, campaign or contact."""

import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hushpost_client import DoNotTrack, HushpostError, Verdict
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.free_port import free_port
from tests.mailing import clients_of, send

LABELS = {
    *("method", "code", "reason", "name", "cause", "state", "mode"),
    *("key_id", "active", "le", "generation"),
}
"""The labels of the service's and Python's metrics, without those of versions."""

VERSIONS = {"python_info", "hushpost_build_info"}

Series = set[tuple[str, frozenset[tuple[str, str]]]]


class Metered:
    """An authority with metrics."""

    def __init__(self, authority: RunningAuthority, address: str) -> None:
        self.authority = authority
        self._address = address

    def series(self) -> Series:
        """Return the names and labels of all series."""
        with urllib.request.urlopen(f"http://{self._address}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                (sample.name, frozenset(sample.labels.items()))
                for family in families
                for sample in family.samples
            }


@pytest.fixture
async def metered(tmp_path: Path) -> AsyncIterator[Metered]:
    """An authority that no other test uses."""
    address = f"127.0.0.1:{free_port()}"
    with AuthorityProcess(tmp_path, "--metrics-listen", address) as process:
        yield Metered(RunningAuthority.of(process), address)


async def _everything(authority: RunningAuthority, number: int) -> set[str]:
    """Perform every action for a new tenant; return its identifiers."""
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


async def test_no_series_depends_on_tenants_or_contacts(metered: Metered) -> None:
    """A second tenant with other contacts adds no series."""
    names = await _everything(metered.authority, 1)
    first = metered.series()
    names |= await _everything(metered.authority, 2)
    second = metered.series()
    assert {name for name, _ in first} >= {
        "hushpost_rpc_seconds_count",
        "hushpost_commit_events_sum",
    }
    # Retried and failed transactions depend on chance; their labels are checked below.
    added = {name for name, _ in second - first if "transaction" not in name}
    assert added == set()
    labels = {label for name, labels in second if name not in VERSIONS for label, _ in labels}
    assert labels <= LABELS
    said = repr(second)
    assert not [name for name in names if name in said]
