"""TLS of `hushpost serve`: certificates of the server and of clients, and their renewal."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import (
    TLS,
    Campaign,
    ErrorReason,
    Hushpost,
    HushpostError,
    LinkUpdate,
    PermissionDeniedError,
    UnavailableError,
)
from tests.authority import HUSHPOST, AuthorityProcess
from tests.certificate import Issuer
from tests.conftest import RunningAuthority, TenantKeys
from tests.edge.edge_process import EdgeProcess
from tests.free_port import free_port
from tests.inspection import database_uri

TIMEOUT_SECONDS = 30
SERVERS, CLIENTS = Issuer.create("servers"), Issuer.create("clients")
CLIENT = CLIENTS.issue("edge")


@dataclass(frozen=True)
class TlsAuthority:
    """An authority with TLS, on the database of the shared one.

    Attributes:
        mtls_target: Its address for clients with a certificate.
    """

    process: AuthorityProcess
    mtls_target: str
    folder: Path

    @property
    def chain(self) -> Path:
        """Its certificate."""
        return self.folder / "chain.pem"

    @property
    def key(self) -> Path:
        """The private key of its certificate."""
        return self.folder / "key.pem"

    @property
    def client_ca(self) -> Path:
        """The CA of the clients' certificates."""
        return self.folder / "client-ca.pem"

    def client(
        self,
        api_key: str,
        client: tuple[bytes, bytes] | None = None,
        issuer: Issuer = SERVERS,
        timeout: float = 5.0,
    ) -> Hushpost:
        """Return a client; with a certificate for the address that asks for it."""
        certificate, key = client or (None, None)
        tls = TLS(
            root_certificates=issuer.certificate, certificate_chain=certificate, private_key=key
        )
        target = self.process.target if client is None else self.mtls_target
        return Hushpost.connect(target, api_key=api_key, tls=tls, timeout=timeout)

    async def wait_for_log(self, message: str) -> None:
        """Wait until the process has logged a message."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while message not in self.process.log_file.read_text():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)


def write_certificate(folder: Path, issuer: Issuer) -> None:
    """Write a new certificate of the server, and its key."""
    certificate, key = issuer.issue("authority")
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(key)
    (folder / "chain.pem").write_bytes(certificate)


async def campaigns(client: Hushpost) -> list[Campaign]:
    """List campaigns, as an example of a call."""
    return [campaign async for campaign in client.campaigns.list_campaigns()]


async def first_update(client: Hushpost) -> LinkUpdate:
    """Return the first message of a stream of links."""
    async with aclosing(client.tracking.watch_links()) as updates:
        return await anext(updates)


@pytest.fixture
def tls_authority(authority: RunningAuthority, tmp_path: Path) -> Iterator[TlsAuthority]:
    """An authority with TLS, and with a second address for clients with a certificate."""
    write_certificate(tmp_path, SERVERS)
    (tmp_path / "client-ca.pem").write_bytes(CLIENTS.certificate)
    data_dir = authority.process.data_dir
    mtls_target = f"127.0.0.1:{free_port()}"
    process = AuthorityProcess(
        tmp_path,
        *("--keyring", str(data_dir / "keyring.json")),
        *("--tls-certificate", str(tmp_path / "chain.pem"), "--tls-key", str(tmp_path / "key.pem")),
        *("--tls-client-ca", str(tmp_path / "client-ca.pem"), "--mtls-listen", mtls_target),
        *("--transport", "grpcio"),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    )
    with process:
        yield TlsAuthority(process, mtls_target, tmp_path)


async def test_keys_of_edges_and_senders_need_a_client_certificate(
    tls_authority: TlsAuthority, tenant: TenantKeys
) -> None:
    """Without a certificate, their keys are rejected with a reason, and others are accepted."""
    async with tls_authority.client(tenant.sender_key) as sender:
        with pytest.raises(PermissionDeniedError) as raised:
            await campaigns(sender)
    assert raised.value.reason is ErrorReason.CLIENT_CERTIFICATE_REQUIRED
    assert raised.value.metadata == {"role": "SENDER"}
    async with tls_authority.client(tenant.edge_key) as edge:
        with pytest.raises(PermissionDeniedError) as raised:
            await first_update(edge)
    assert raised.value.reason is ErrorReason.CLIENT_CERTIFICATE_REQUIRED
    async with tls_authority.client(tenant.reporter_key) as reporter:
        await campaigns(reporter)
    async with tls_authority.client(tenant.sender_key, CLIENT) as sender:
        await campaigns(sender)
    async with tls_authority.client(tenant.edge_key, CLIENT) as edge:
        with pytest.raises(HushpostError) as refused:
            await edge.tracking.resolve_link("x", 1)
    assert refused.value.reason is ErrorReason.TOKEN_INVALID
    async with tls_authority.client("hp_none", CLIENT) as stranger:
        with pytest.raises(HushpostError) as refused:
            await campaigns(stranger)
    assert refused.value.reason is ErrorReason.API_KEY_INVALID, "a certificate is not enough"


@pytest.mark.parametrize("client", [None, SERVERS.issue("edge")], ids=["none", "foreign"])
async def test_only_certificates_of_the_client_ca_are_accepted(
    tls_authority: TlsAuthority, tenant: TenantKeys, client: tuple[bytes, bytes] | None
) -> None:
    """The handshake fails without a certificate, or with one of another CA."""
    certificate, key = client or (None, None)
    tls = TLS(root_certificates=SERVERS.certificate, certificate_chain=certificate, private_key=key)
    target = tls_authority.mtls_target
    async with Hushpost.connect(target, api_key=tenant.sender_key, tls=tls, timeout=2) as sender:
        with pytest.raises(UnavailableError):
            await campaigns(sender)


async def test_changed_certificates_are_used_without_dropping_calls(
    tls_authority: TlsAuthority, tenant: TenantKeys
) -> None:
    """New connections get the new certificates; a stream that is open goes on."""
    new_servers, new_clients = Issuer.create("servers"), Issuer.create("clients")
    async with (
        tls_authority.client(tenant.edge_key, CLIENT) as edge,
        aclosing(edge.tracking.watch_links()) as updates,
    ):
        async for update in updates:
            if update.snapshot_complete:
                break
        write_certificate(tls_authority.folder, new_servers)
        tls_authority.client_ca.write_bytes(new_clients.certificate)
        await tls_authority.wait_for_log("TLS certificates reloaded")
        for client, issuer in ((CLIENT, new_servers), (new_clients.issue("x"), SERVERS)):
            async with tls_authority.client(tenant.sender_key, client, issuer, 2.0) as sender:
                with pytest.raises(UnavailableError):
                    await campaigns(sender)
        client = new_clients.issue("sender")
        async with tls_authority.client(tenant.sender_key, client, new_servers) as sender:
            created = await sender.campaigns.create_campaign(links=["https://example.com/"])
        # After a break, the client could not connect again with its old certificate.
        update = await asyncio.wait_for(anext(updates), TIMEOUT_SECONDS)
        assert [link.campaign_number for link in update.links] == [created.campaign_number]


async def test_invalid_new_certificates_are_not_used(
    tls_authority: TlsAuthority, tenant: TenantKeys
) -> None:
    """The old certificates stay in use while the files are invalid, open or do not fit."""
    good = tls_authority.key.read_bytes()
    states = (
        (b"garbage", 0o600, "cannot use the TLS certificates"),
        (SERVERS.issue("other")[1], 0o600, "does not belong"),
        (good, 0o644, "every user of this machine"),
    )
    for content, mode, message in states:
        tls_authority.key.write_bytes(content)
        tls_authority.key.chmod(mode)
        tls_authority.process.process.send_signal(signal.SIGHUP)
        await tls_authority.wait_for_log(message)
        async with tls_authority.client(tenant.reporter_key) as reporter:
            await campaigns(reporter)
    log = tls_authority.process.log_file.read_text()
    assert "PRIVATE KEY" not in log
    assert '"TLS certificates reloaded"' not in log
    tls_authority.key.chmod(0o600)
    issuer = Issuer.create("servers")
    write_certificate(tls_authority.folder, issuer)
    await tls_authority.wait_for_log("TLS certificates reloaded")
    async with tls_authority.client(tenant.reporter_key, issuer=issuer) as reporter:
        await campaigns(reporter)


def test_sighup_does_not_end_an_authority_without_tls(
    authority: RunningAuthority, tmp_path: Path
) -> None:
    """SIGHUP is ignored if there are no certificates to read again."""
    data_dir = authority.process.data_dir
    process = AuthorityProcess(
        tmp_path,
        *("--keyring", str(data_dir / "keyring.json")),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    )
    with process:
        process.process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.process.wait(0.5)
        assert process.stop() == 0


@pytest.mark.parametrize("problem", ["open key", "foreign key", "no certificate", "missing"])
def test_unusable_certificates_are_reported_in_one_line(tmp_path: Path, problem: str) -> None:
    """The authority does not start with them; the reason is one line, and quotes no key."""
    write_certificate(tmp_path, SERVERS)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    if problem == "open key":
        key.chmod(0o644)
    elif problem == "foreign key":
        key.write_bytes(SERVERS.issue("other")[1])
    elif problem == "no certificate":
        chain.write_bytes(b"garbage")
    else:
        chain.unlink()
    done = subprocess.run(
        [
            *(HUSHPOST, "serve", "--data-dir", tmp_path / "data"),
            *("--tls-certificate", chain, "--tls-key", key, "--transport", "grpcio"),
        ],
        env={**os.environ, "HUSHPOST_LISTEN": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    expected = {
        "open key": f"cannot read {key}: every user of this machine has access to it: chmod o= {key}",
        "foreign key": "the TLS key does not belong to the TLS certificate",
        "no certificate": "cannot use the TLS certificates",
        "missing": f"cannot read {chain}: No such file or directory",
    }
    assert line.startswith(f"hushpost: {expected[problem]}")
    assert not (tmp_path / "data").exists(), "nothing was created"


def run_import(
    target: str, tenant: TenantKeys, file: Path, *options: str
) -> "subprocess.CompletedProcess[str]":
    """Run `hushpost import`."""
    return subprocess.run(
        [
            *(HUSHPOST, "import", file, "--tenant", tenant.tenant_id, "--authority", target),
            *options,
        ],
        env={**os.environ, "HUSHPOST_API_KEY": tenant.sender_key},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def test_edges_and_commands_present_a_certificate(
    tls_authority: TlsAuthority, tenant: TenantKeys, tmp_path: Path
) -> None:
    """An edge and `hushpost import` connect with the files that their options name."""
    ca, certificate, key = tmp_path / "ca.pem", tmp_path / "client.pem", tmp_path / "client-key.pem"
    ca.write_bytes(SERVERS.certificate)
    certificate.write_bytes(CLIENT[0])
    key.touch(0o600)
    key.write_bytes(CLIENT[1])
    trust = ("--ca-file", str(ca))
    present = (*trust, "--client-certificate", str(certificate), "--client-key", str(key))
    with EdgeProcess(tmp_path / "edge", tls_authority.mtls_target, tenant.edge_key, *present):
        pass  # it is ready once it has received all links
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("contact_id,doNotTrack\nann,1\n")
    done = run_import(tls_authority.mtls_target, tenant, contacts, *present)
    assert done.returncode == 0, done.stderr
    done = run_import(tls_authority.process.target, tenant, contacts, *trust)
    assert done.returncode == 5
    assert "CLIENT_CERTIFICATE_REQUIRED" in done.stderr
    done = run_import(tls_authority.mtls_target, tenant, contacts, *present[:-2])
    assert done.returncode == 2
    assert "must be given together" in done.stderr
    key.chmod(0o644)
    done = run_import(tls_authority.mtls_target, tenant, contacts, *present)
    assert done.returncode == 2
    assert f"chmod o= {key}" in done.stderr
