"""A whole campaign: mail by SMTP, visits through an edge, and calls with retries and faults."""

import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hushpost_client import Hushpost, PolicyUpdate, Release, Role
from hushpost_demo.addresses import with_port
from hushpost_demo.authority import running_authority
from hushpost_demo.child_process import clean_environment
from hushpost_demo.contacts import contacts_file, import_contacts, read_contacts
from hushpost_demo.edge import running_edge
from hushpost_demo.mailbox import Mailbox
from hushpost_demo.tenant import TENANT, Keys, open_tenant
from tests.authority import HUSHPOST
from tests.faults.extent import FULL
from tests.simulation.campaign_run import CampaignRun, Clients


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all runs share: the first one has fresh data, a second one kept data."""
    return tmp_path_factory.mktemp("simulation")


@pytest.mark.parametrize("seed", [1, 2] if FULL else [1])
async def test_every_number_of_the_report_is_as_predicted(data_dir: Path, seed: int) -> None:
    """The report equals the oracle's prediction, in over a thousand numbers."""
    async with AsyncExitStack() as stack:
        authority = await stack.enter_async_context(
            running_authority(HUSHPOST, data_dir, "127.0.0.1:0", "--allow-exact")
        )
        keys = Keys(data_dir / "keys")
        create_key: list[str | Path] = [HUSHPOST, "admin-key", "--data-dir", data_dir]
        await open_tenant(authority.address, keys, create_key, clean_environment())
        async with Hushpost.connect(authority.address, api_key=keys.read(Role.ADMIN)) as admin:
            await admin.admin.update_policy(PolicyUpdate(release=Release.EXACT), tenant_id=TENANT)
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
            await import_contacts(HUSHPOST, clean_environment(), renamed, options)
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
        await run.play(seed)
    assert run.differences == []
    assert run.compared > 1000
