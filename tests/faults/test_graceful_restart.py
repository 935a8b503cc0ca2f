"""A graceful restart under load."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from hushpost_client import Count, PolicyUpdate, Release, UnavailableError
from tests.authority import AuthorityProcess
from tests.conftest import make_tenant
from tests.faults.load import IMPATIENT, PatientAuthority, prepared, started, under_load
from tests.mailing import clients_of, exact_count

PEOPLE = 1200


async def test_a_graceful_restart_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Calls finish or are rejected as UNAVAILABLE; with retries, every event counts once."""
    with AuthorityProcess(tmp_path) as process:
        patient = PatientAuthority(process, process.target, process.admin_key())
        impatient = PatientAuthority(process, process.target, patient.admin_key, IMPATIENT)
        keys = await make_tenant(patient, PolicyUpdate(release=Release.EXACT))
        async with AsyncExitStack() as stack:
            load = await prepared(await clients_of(stack, patient, keys=keys), "all", PEOPLE)
            once = await prepared(await clients_of(stack, impatient, keys=keys), "once", PEOPLE)
            async with under_load(load, after=PEOPLE // 4), under_load(once, after=PEOPLE // 4):
                assert await asyncio.to_thread(process.stop) == 0
                await started(process, load.clients)
            assert load.refused == []
            opens = (await load.stats()).opens.human
            half = PEOPLE // 2
            assert (opens.identified, exact_count(opens.anonymous)) == (
                Count(half, half),
                Count(half, half),
            )
            assert once.refused
            assert {type(error) for error in once.refused} == {UnavailableError}
