"""Random operations under random faults: what was acknowledged counts once, and nothing else does.

`make test-faults` tries many seeds, `make test` only the first. A failure names its seed;
`make test-faults RUNS=1 SEED=<seed> ARGS="-k simulator"` makes the same plan again. The
moments at which faults hit depend on the machine, so a rare failure may need some repetitions.
Add `--numprocesses 2` to ARGS to run two seeds at a time.

At the end of a long run, all acknowledged calls are repeated after a jump of the database's clock to
another week, and again after the jump back.

Not simulated: a jump to another week during calls, because of what decision 3 says about it;
an edge whose clock is ahead, because its events wait until that time; and, on a
system without mount namespaces, full disks.
"""

import asyncio
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from hushpost.v1 import admin_pb2
from tests.conftest import TenantKeys
from tests.faults.extent import FIRST_SEED, FULL, RUNS
from tests.inspection import Connection
from tests.waiting import eventually, until
from tests.wire import Wire

from .another_week import repeat_in_another_week
from .callers import Callers
from .cluster import running_cluster
from .comparison import differences
from .fault_injector import FaultInjector
from .ledger import Ledger
from .plan import Plan, make_plan
from .steps import CAMPAIGNS, CONTACTS, ERASED, LINKS, Mail
from .template import Template, template_with_tenant
from .watchdog import watched

RUN_SECONDS = 300
# By default, gRPC's reconnect backoff grows to minutes.
_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 200),
]


@pytest.fixture(scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A database with a tenant, which every run copies."""
    return await template_with_tenant(tmp_path_factory.mktemp("template"))


@pytest.mark.timeout(RUN_SECONDS + 60, func_only=True)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + RUNS))
async def test_what_is_acknowledged_counts_once(
    seed: int, template: Template, tmp_path: Path
) -> None:
    """The database and the reports agree with the acknowledgements."""
    plan = make_plan(seed)
    start = time.monotonic()
    with watched(tmp_path):
        async with asyncio.timeout(RUN_SECONDS):
            ledger, found, faults = await simulate(plan, template, tmp_path)
    seconds = time.monotonic() - start
    print(f"\nseed {seed}: {seconds:.1f} s, {ledger.summary()}, {dict(Counter(faults))}")  # noqa: T201
    assert not found, f"seed {seed}, logs in {tmp_path}:\n" + "\n".join(found)


async def simulate(
    plan: Plan, template: Template, folder: Path
) -> tuple[Ledger, list[str], list[str]]:
    """Carry out a plan; return the ledger, the differences and the faults that happened."""
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(running_cluster(template, folder))
        wires = [
            await stack.enter_async_context(Wire(f"127.0.0.1:{proxy.port}", _RECONNECT))
            for proxy in cluster.to_authority
        ]
        callers = Callers(cluster, ledger, wires)
        for campaign in CAMPAIGNS:
            ids = uuid.uuid4(), uuid.uuid4()
            await callers.carry_out(Mail(campaign, CONTACTS + ERASED, ids, copies=1))
        await until(lambda: cluster.stored_links() == len(CAMPAIGNS) * len(LINKS))
        injector = FaultInjector(cluster)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(injector.run(plan.faults))
            for number, steps in enumerate(plan.callers):
                tasks.create_task(
                    callers.run(steps, plan.parallel[number], plan.pauses[number], number)
                )
        await injector.heal()
        wires = [
            await stack.enter_async_context(Wire(f"127.0.0.1:{cluster.authority_port(number)}"))
            for number in range(2)
        ]
        await until(lambda: cluster.spooled() == 0, seconds=60)
        await eventually(partial(_is_anonymizing, wires[0], cluster.keys), expected=False)
        if FULL:
            await repeat_in_another_week(cluster, callers.calls)
        connection: Connection = await asyncpg.connect(cluster.postgres.url)
        stack.callback(connection.terminate)
        found = await differences(ledger, connection, wires, cluster.keys)
    return ledger, found, injector.happened


async def _is_anonymizing(wire: Wire, keys: TenantKeys) -> bool:
    answer = await wire.call("GetTenant", admin_pb2.GetTenantRequest(), keys.admin_key)
    is_running: bool = answer.tenant.HasField("folding")
    return is_running
