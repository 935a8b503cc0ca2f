"""A whole campaign: mail by SMTP, visits through an edge, and calls with retries and faults."""

import shutil
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from hushpost_client import Hushpost, PolicyUpdate, Release, Role
from hushpost_demo.addresses import with_port
from hushpost_demo.authority import running_authority
from hushpost_demo.child_process import clean_environment
from hushpost_demo.commands import run_command
from hushpost_demo.contacts import contacts_file, read_contacts
from hushpost_demo.edge import running_edge
from hushpost_demo.mailbox import Mailbox
from hushpost_demo.tenant import TENANT, Keys, open_tenant
from tests.authority import HUSHPOST
from tests.faults.extent import FULL
from tests.inspection import connected
from tests.simulation.campaign_run import CampaignRun, Clients
from tests.waiting import eventually


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all runs share: the first one has fresh data, a second one kept data."""
    return tmp_path_factory.mktemp("simulation")


@pytest.mark.parametrize("seed", [1, 2] if FULL else [1])
async def test_every_number_of_the_report_is_as_predicted(data_dir: Path, seed: int) -> None:
    """The report equals the oracle's prediction, in over a thousand numbers."""
    run = await _played(data_dir, seed, Release.EXACT)
    assert run.differences == []
    assert run.compared > 1000


async def test_every_estimate_is_near_the_prediction(data_dir: Path) -> None:
    """Identified numbers are as predicted, and noise moves the others by about their margins.

    Each estimate is beyond its margin in 5 % of all cases: more than eleven of 44 by chance
    once in 100,000 runs.
    """
    run = await _played(data_dir, 3, Release.NOISY)
    assert run.differences == []
    assert run.compared > 500
    assert len(run.deviations) == 44
    beyond = [each for each in run.deviations if each.distance > each.margin]
    assert len(beyond) <= 11, beyond
    assert all(each.distance <= 4 * each.margin for each in run.deviations), beyond
    assert any(each.distance for each in run.deviations), "the numbers have no noise"


async def _played(data_dir: Path, seed: int, release: Release) -> CampaignRun:
    """Play a campaign whose counts are released exactly, or once and with noise."""
    policy = PolicyUpdate(release=release, release_delays=(timedelta(hours=1),))
    async with AsyncExitStack() as stack:
        authority = await stack.enter_async_context(
            running_authority(HUSHPOST, data_dir, "127.0.0.1:0", "--allow-exact")
        )
        keys = Keys(data_dir / "keys")
        create_key: list[str | Path] = [HUSHPOST, "admin-key", "--data-dir", data_dir]
        await open_tenant(authority.address, keys, create_key, clean_environment())
        async with Hushpost.connect(authority.address, api_key=keys.read(Role.ADMIN)) as admin:
            await admin.admin.update_policy(policy, tenant_id=TENANT)
        edge = await stack.enter_async_context(
            running_edge(
                HUSHPOST,
                data_dir,
                with_port("127.0.0.1:0", "--edge-listen"),
                authority.address,
                keys.path(Role.EDGE),
            )
        )
        options: list[str | Path] = [
            *("--tenant", TENANT, "--authority", authority.address),
            *("--api-key-file", keys.path(Role.SENDER)),
            *("--rejected", data_dir / "contacts.rejected.csv"),
            # Every campaign begins with the preferences of the file.
            "--overrule-recipients",
        ]
        with contacts_file() as file:
            # Under another name, because a repeated import of the same file changes nothing.
            renamed = Path(shutil.copy(file, data_dir / f"contacts-{seed}.csv"))
            await run_command(HUSHPOST, clean_environment(), "import", renamed, *options)
            contacts = read_contacts(file)
        await edge.ready()
        sender, edge_client, reporter = [
            await stack.enter_async_context(
                Hushpost.connect(authority.address, api_key=keys.read(role) or "", timeout=30)
            )
            for role in (Role.SENDER, Role.EDGE, Role.REPORTER)
        ]
        clients = Clients(sender=sender, edge=edge_client, reporter=reporter, http=edge)
        run = CampaignRun(clients, contacts, Mailbox(data_dir / "mail"))

        async def release_now(campaign_id: str) -> None:
            await _make_due(data_dir, campaign_id)

            async def is_released() -> bool:
                stats = await reporter.stats.get_campaign_stats(campaign_id)
                return stats.release.release_time is not None

            await eventually(is_released, expected=True, seconds=60)

        await run.play(seed, None if release is Release.EXACT else release_now)
    return run


async def _make_due(data_dir: Path, campaign_id: str) -> None:
    """Move the first message of a campaign an hour back, so that its release is due now."""
    async with connected(data_dir) as connection:
        await connection.execute(
            "update campaigns set start_time = start_time - interval '1 hour',"
            " next_release_time = next_release_time - interval '1 hour'"
            " where campaign_id = $1",
            campaign_id,
        )
