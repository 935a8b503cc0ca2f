"""A keyring belongs to one database, and rotating its keys rejects no token."""

import asyncio
import base64
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hushpost_client import Verdict
from hushpost_service.tokens.codec import TokenCodec, TrackingToken
from hushpost_service.tokens.keyring import Keyring
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.faults.extent import FULL
from tests.mailing import GROUP, URLS, clients_of
from tests.sql.conftest import new_database


@pytest.fixture
async def database_url(authority: RunningAuthority) -> AsyncIterator[str]:
    """The address of an empty database."""
    async with new_database(authority) as url:
        yield url


class Host:
    """A folder with a keyring, and the authority that uses it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.process = AuthorityProcess(folder, environment={"HUSHPOST_DATABASE_URL": url})
        self.keyring = self.process.data_dir / "keyring.json"
        self._url = url

    def copy_keyring_of(self, other: "Host") -> None:
        """Replace the keyring by that of another host."""
        self.keyring.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(other.keyring, self.keyring)

    async def start(self) -> None:
        """Start the authority."""
        await asyncio.to_thread(self.process.start)

    async def restart(self) -> None:
        """Restart the authority."""
        self.process.stop()
        await self.start()

    async def refusal(self) -> str:
        """Start the authority, which must refuse to; return the last line of its log."""
        with pytest.raises(AssertionError, match="did not start"):
            await self.start()
        return self.process.log_file.read_text().splitlines()[-1]

    async def command(self, *words: str) -> tuple[int | None, str]:
        """Run `hushpost keyring`; return the exit code and everything that it prints."""
        process = await asyncio.create_subprocess_exec(
            HUSHPOST,
            "keyring",
            *words,
            "--data-dir",
            self.process.data_dir,
            env={"HUSHPOST_DATABASE_URL": self._url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()


@pytest.fixture
async def hosts(database_url: str, tmp_path: Path) -> AsyncIterator[list[Host]]:
    """Three hosts with one database, without keyrings; none is started."""
    hosts = [Host(tmp_path / name, database_url) for name in ("first", "second", "third")]
    yield hosts
    for host in hosts:
        host.process.__exit__()


@pytest.mark.embedded
async def test_a_keyring_of_another_database_is_refused(hosts: list[Host]) -> None:
    """An authority without a key that the database knows, or with another one, does not start."""
    first, second, third = hosts
    await first.start()
    first.process.stop()
    for host in (second, third):
        host.copy_keyring_of(first)
        assert (await host.command("add"))[0] == 0
    await second.start()
    assert "lacks key 2, which the database knows" in await first.refusal()
    before = third.keyring.read_bytes()
    assert "belongs to another database: its key 2 has" in await third.refusal()
    code, message = await third.command("activate")
    assert code == 1
    assert "belongs to another database" in message
    assert third.keyring.read_bytes() == before


@pytest.mark.embedded
async def test_of_two_first_starts_one_wins(hosts: list[Host]) -> None:
    """Two first starts at once create one keyring; the other start leaves no file behind."""
    first, second, _ = hosts
    results = await asyncio.gather(first.start(), second.start(), return_exceptions=True)
    (failed,) = [
        host for host, result in zip((first, second), results, strict=True) if result is not None
    ]
    log = failed.process.log_file.read_text()
    assert f"cannot read the keyring {failed.keyring}" in log.splitlines()[-1]
    assert not failed.keyring.parent.exists()


@pytest.mark.embedded
async def test_first_starts_with_a_keyring_that_exists(hosts: list[Host]) -> None:
    """Copies of a keyring that was created before let several authorities start at once.

    They may only read it, as in a volume of a Kubernetes Secret.
    """
    first, second, _ = hosts
    assert (await first.command("create"))[0] == 0
    second.copy_keyring_of(first)
    content = first.keyring.read_bytes()
    for host in (first, second):
        host.keyring.chmod(0o440)
        host.keyring.parent.chmod(0o550)
    await asyncio.gather(first.start(), second.start())
    for host in (first, second):
        assert [file.name for file in host.keyring.parent.iterdir()] == ["keyring.json"]
        assert host.keyring.read_bytes() == content
        host.keyring.parent.chmod(0o700)


async def test_a_keyring_is_never_replaced(hosts: list[Host]) -> None:
    """`hushpost keyring create` leaves a file that exists as it is: exit code 2."""
    host = hosts[0]
    assert (await host.command("create"))[0] == 0
    content = host.keyring.read_bytes()
    code, message = await host.command("create")
    assert (code, message.count("\n")) == (2, 1)
    assert "exists" in message
    assert host.keyring.read_bytes() == content


@pytest.mark.embedded
async def test_two_first_starts_in_one_folder_share_a_keyring(
    database_url: str, tmp_path: Path
) -> None:
    """Two first starts at once with the same folder both start, with one keyring."""
    hosts = [Host(tmp_path, database_url) for _ in range(2)]
    try:
        await asyncio.gather(*(host.start() for host in hosts))
        assert [file.name for file in hosts[0].keyring.parent.iterdir()] == ["keyring.json"]
    finally:
        for host in hosts:
            host.process.__exit__()


@pytest.mark.skipif(not FULL, reason="restarts two authorities eight times; see make test-faults")
async def test_a_rolling_rotation_rejects_no_token(hosts: list[Host]) -> None:
    """Old and new authorities open each other's tokens in every step of a rotation."""
    first, second, _ = hosts
    await first.start()
    second.copy_keyring_of(first)
    await second.start()
    async with AsyncExitStack() as stack:
        running = [
            RunningAuthority(host.process, host.process.target, first.process.admin_key())
            for host in (first, second)
        ]
        keys = await make_tenant(running[0])
        clients = [await clients_of(stack, each, keys=keys) for each in running]
        assert await _key_ids(clients) == [1, 1]
        campaign = await clients[0].sender.campaigns.create_campaign(groups=[GROUP])
        request = uuid.uuid4()
        issued = [await _contents(first, clients[0], campaign.campaign_id, request)]

        assert (await first.command("add"))[0] == 0
        second.copy_keyring_of(first)
        for host in (first, second):
            code, message = await first.command("activate")
            assert code == 1
            assert "does not know key 2 yet" in message
            await host.restart()
            assert await _key_ids(clients) == [1, 1]

        assert (await first.command("activate"))[0] == 0
        await first.restart()
        assert await _key_ids(clients) == [2, 1]
        second.copy_keyring_of(first)
        await second.restart()
        assert await _key_ids(clients) == [2, 2]
        issued += [await _contents(first, each, campaign.campaign_id, request) for each in clients]
        assert issued == issued[:1] * 3, "repeated calls return the same contacts and slots"
    _, shown = await first.command("show")
    lines = [line.split() for line in shown.splitlines()]
    assert [(line[1], line[3:]) for line in lines] == [("1", []), ("2", ["active"])]


async def _key_ids(clients: list[Clients]) -> list[int]:
    """Check that each authority opens the tokens of all; return the key id of each one's token."""
    created = await clients[0].sender.campaigns.create_campaign(None, links=URLS, groups=[GROUP])
    tokens = [await _token(each, created.campaign_id) for each in clients]
    for each in clients:
        for token in tokens:
            await each.edge.tracking.record_open(token, verdict=Verdict.HUMAN)
    return [base64.urlsafe_b64decode(token)[1] for token in tokens]


async def _contents(
    host: Host, clients: Clients, campaign_id: str, request: uuid.UUID
) -> list[TrackingToken]:
    """Issue tokens under a request id; return what they contain."""
    names = [f"reader-{number}" for number in range(20)]
    issued = await clients.sender.campaigns.issue_tokens(
        campaign_id, GROUP, names, request_id=request
    )
    codec = TokenCodec(Keyring.load(host.keyring))
    return [codec.open(token.token) for token in issued.tokens if token.token]


async def _token(clients: Clients, campaign_id: str) -> str:
    issued = await clients.sender.campaigns.issue_tokens(campaign_id, GROUP, ["ann"])
    token = issued.tokens[0].token
    assert token
    return token
