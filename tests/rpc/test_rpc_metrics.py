"""Metrics of RPCs: how many there were, how they ended, and which streams are open."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from itertools import repeat
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from hushpost_client import DeadlineExceededError, HushpostError, NotFoundError, Role
from hushpost_runtime.event_sampling import STEP
from hushpost_service.domain.errors import HushpostError as ServiceError
from hushpost_service.domain.errors import Reason
from hushpost_service.rpc.interceptors import MetricsInterceptor
from hushpost_service.rpc.interceptors.interceptor import Context
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.free_port import free_port
from tests.inspection import connected
from tests.waiting import eventually

NO_CONTEXT = cast(Context, None)


async def _respond(request: Any, _: Context) -> Any:
    if isinstance(request, BaseException):
        raise request
    return request


def _calls(method: str, code: str) -> float:
    labels = {"method": method, "code": code}
    return REGISTRY.get_sample_value("hushpost_rpc_calls_total", labels) or 0


@pytest.mark.parametrize(
    ("method", "byte", "added"),
    [
        ("RecordClick", 0, STEP),
        ("RecordClick", 1, 0),
        ("GetPreference", 0, 1),
        ("GetPreference", 1, 1),
    ],
)
@pytest.mark.parametrize("code", ["OK", "CANCELLED"])
async def test_calls_that_record_events_are_sampled(
    monkeypatch: pytest.MonkeyPatch, method: str, byte: int, added: int, code: str
) -> None:
    """One of 256 counts, and then for 256; a cancelled one may have recorded its event, too."""
    monkeypatch.setattr("hushpost_runtime.event_sampling._RANDOM_BYTES", repeat(byte))
    call = MetricsInterceptor().unary(method, _respond)
    request = None if code == "OK" else asyncio.CancelledError()
    before = _calls(method, code)
    await asyncio.gather(call(request, NO_CONTEXT), return_exceptions=True)
    assert _calls(method, code) == before + added


async def test_failures_are_counted_by_reason() -> None:
    """Also those of calls that record events, because nothing of them was recorded."""
    call = MetricsInterceptor().unary("RecordClick", _respond)
    labels = {"method": "RecordClick", "reason": "TOKEN_INVALID"}

    def errors() -> float:
        return REGISTRY.get_sample_value("hushpost_rpc_errors_total", labels) or 0

    before = errors(), _calls("RecordClick", "INVALID_ARGUMENT")
    with pytest.raises(ServiceError):
        await call(ServiceError(Reason.TOKEN_INVALID, "invalid"), NO_CONTEXT)
    assert (errors(), _calls("RecordClick", "INVALID_ARGUMENT")) == (before[0] + 1, before[1] + 1)


class Metered:
    """An authority with metrics."""

    def __init__(self, authority: RunningAuthority, address: str) -> None:
        self.authority = authority
        self._address = address

    def value(self, name: str, /, **labels: str) -> float:
        """Return the value of a sample; 0 if it is absent."""
        with urllib.request.urlopen(f"http://{self._address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        samples = (
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        )
        return next((s.value for s in samples if (s.name, s.labels) == (name, labels)), 0.0)

    def reader(self, name: str, /, **labels: str) -> Callable[[], Awaitable[float]]:
        """Return a function that reads a sample without blocking the event loop."""

        async def read() -> float:
            return await asyncio.to_thread(self.value, name, **labels)

        return read


@pytest.fixture(scope="module")
async def metered(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Metered]:
    """An authority that only this module uses."""
    address = f"127.0.0.1:{free_port()}"
    folder: Path = tmp_path_factory.mktemp("metered")
    with AuthorityProcess(folder, "--metrics-listen", address) as process:
        yield Metered(RunningAuthority.of(process), address)


async def test_calls_show_how_they_ended(metered: Metered) -> None:
    """As succeeded, as failed for a reason, or as cancelled by their caller."""
    async with metered.authority.client(metered.authority.admin_key) as client:
        await client.admin.create_tenant("acme")
        with pytest.raises(NotFoundError):
            await client.admin.get_tenant("nonsense")
        async with (
            connected(metered.authority.process.data_dir) as database,
            database.transaction(),
        ):
            await database.execute("lock table tenants in access exclusive mode")
            with pytest.raises(DeadlineExceededError):
                await client.admin.get_tenant("acme", timeout=0.3)
    calls = "hushpost_rpc_calls_total"
    cancelled = metered.reader(calls, method="GetTenant", code="CANCELLED")
    await eventually(cancelled, 1.0)
    assert metered.value(calls, method="CreateTenant", code="OK") == 1
    assert metered.value(calls, method="GetTenant", code="NOT_FOUND") == 1
    errors = "hushpost_rpc_errors_total"
    assert metered.value(errors, method="GetTenant", reason="TENANT_NOT_FOUND") == 1
    seconds = "hushpost_rpc_seconds_count"
    assert metered.value(seconds, method="GetTenant", code="CANCELLED") == 1


async def test_open_streams_are_counted(metered: Metered) -> None:
    """While they are open, by RPC; then by how they ended."""
    streams = metered.reader("hushpost_open_streams", method="WatchLinks")
    async with metered.authority.client(metered.authority.admin_key) as client:
        edge = await client.admin.create_api_key(Role.EDGE)
    assert edge.secret is not None
    async with (
        metered.authority.client(edge.secret) as client,
        aclosing(client.tracking.watch_links()) as links,
    ):
        waiting = asyncio.ensure_future(anext(links))
        await eventually(streams, 1.0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await eventually(streams, 0.0)
    ended = metered.reader("hushpost_rpc_calls_total", method="WatchLinks", code="CANCELLED")
    await eventually(ended, 1.0)


async def test_wrong_keys_are_counted(metered: Metered) -> None:
    """Each refused call counts, by reason."""
    async with metered.authority.client(f"hp_{'x' * 43}") as client:
        for _ in range(3):
            with pytest.raises(HushpostError):
                await client.admin.get_tenant("acme")
    name = "hushpost_authentication_failures_total"
    assert metered.value(name, reason="API_KEY_INVALID") == 3
    assert metered.value(name, reason="API_KEY_REVOKED") == 0


async def test_an_authority_shows_its_versions_keys_and_pools(metered: Metered) -> None:
    """An operator sees what runs without logging in."""
    assert metered.value("hushpost_ready") == 1
    assert metered.value("hushpost_keyring_key_info", key_id="1", active="true") == 1
    assert metered.value("hushpost_database_connections_max", name="main") == 10
    assert metered.value("hushpost_database_connections", name="main", state="used") == 0
