"""The first start of compose.yaml, with its services as processes of this machine."""

import ssl
import stat
from collections.abc import AsyncIterator
from urllib.request import urlopen

import grpc
import pytest
import yaml

from hushpost.v1 import admin_pb2, admin_pb2_grpc
from hushpost_client import Hushpost
from tests.deploy.compose_caddy import root_certificate, secure_get, start_caddy
from tests.deploy.compose_database import compose_database
from tests.deploy.compose_file import services, variables
from tests.deploy.compose_replay import ComposeReplay
from tests.deploy.confinement import can_confine
from tests.deploy.dockerfile import ROOT
from tests.dns_server import DnsServer, dns_server
from tests.waiting import eventually

# The first test starts all services, which may take a while on a busy machine.
pytestmark = pytest.mark.timeout(300)

TARGET = "https://shop.example.com/sale"
NAMES = variables()
CLICK_HOST, REPORTS_HOST, API_HOST = NAMES["CLICK_HOST"], NAMES["REPORTS_HOST"], NAMES["API_HOST"]
SECRETS = {
    "database-secrets": {"password": 0o640, "pgpass": 0o600},
    "keyring": {"keyring.json": 0o600},
    "admin-keys": {"admin.key": 0o600},
    "edge-keys": {"edge.key": 0o600},
}


@pytest.fixture(scope="module")
async def dns() -> AsyncIterator[DnsServer]:
    """The DNS."""
    async with dns_server() as server:
        yield server


@pytest.fixture(scope="module")
async def replay(
    dns: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ComposeReplay]:
    """An installation, started in the order that compose.yaml requires."""
    with ComposeReplay(tmp_path_factory.mktemp("compose")) as replay:
        replay.overrides = {
            "HUSHPOST_DNS_SERVER": dns.address,
            "HUSHPOST_EDGE_DRAIN_SECONDS": "0",
        }
        replay.run_script("create-passwords")
        async with compose_database(replay):
            replay.run_script("create-admin-key")
            replay.start("authority-1", "authority-2")
            replay.run_script("create-edge-key")
            replay.start("edge-1", "edge-2", "dashboard")
            start_caddy(replay)
            yield replay


def client(replay: ComposeReplay, key: str) -> Hushpost:
    """Return a client with a key that is a file of the operator."""
    target = f"127.0.0.1:{replay.port('authority-2', 50051)}"
    return Hushpost.connect(target, api_key=(replay.volume("admin-keys") / key).read_text().strip())


@pytest.fixture(scope="module")
async def link(replay: ComposeReplay) -> str:
    """The path of a tracked link of a tenant whose key the operator has created with `cli`."""
    replay.run_cli("tenants", "create", "acme", "--api-key-file", "/keys/admin.key")
    new = ("keys", "create", "sender", "/keys/sender.key", "--tenant", "acme")
    replay.run_cli(*new, "--api-key-file", "/keys/admin.key")
    async with client(replay, "sender.key") as sender:
        await sender.campaigns.create_campaign("spring", links=[TARGET], groups=["all"])
        issued = await sender.campaigns.issue_tokens("spring", "all", ["ann"])
    return f"/c/{issued.tokens[0].token}/1"


def test_links_redirect_over_tls(replay: ComposeReplay, link: str) -> None:
    """A link of the installation's name redirects; other paths of the edges stay internal."""
    response = secure_get(replay, CLICK_HOST, link)
    assert (response.status, response.headers["location"]) == (302, TARGET)
    for path in ("/metrics", "/readyz", "/healthz", "/ask?domain=links.acme.example"):
        assert secure_get(replay, CLICK_HOST, path).status == 404


async def test_verified_domains_get_certificates(
    replay: ComposeReplay, dns: DnsServer, link: str
) -> None:
    """Caddy has a certificate for a tracking domain once it is verified, and for no other name."""
    name = "links.acme.example"
    async with client(replay, "admin.key") as admin:
        domain = await admin.domains.add_tracking_domain(name, tenant_id="acme")
        with pytest.raises(ssl.SSLError):
            secure_get(replay, name, link)
        records = {record.type: record for record in domain.dns_records}
        assert records["CNAME"].value == CLICK_HOST
        dns.texts[records["TXT"].name].append(records["TXT"].value)
        await admin.domains.check_tracking_domain(name, tenant_id="acme")

    async def status() -> int:
        try:
            return secure_get(replay, name, link).status
        except ssl.SSLError:
            return 0

    await eventually(status, 302)


def test_the_dashboard_is_served_without_its_metrics(replay: ComposeReplay) -> None:
    """The dashboard has a name of its own, where its metrics are not found."""
    assert secure_get(replay, REPORTS_HOST, "/sign-in").status == 200
    assert secure_get(replay, REPORTS_HOST, "/metrics").status == 404
    cookie = secure_get(replay, REPORTS_HOST, "/sign-in").headers["set-cookie"]
    assert "__Host-" in cookie  # it knows that the browser uses TLS


async def test_senders_reach_the_authorities_over_tls(replay: ComposeReplay) -> None:
    """The interface is served with TLS under a name of its own, with the API keys of the callers."""
    credentials = grpc.ssl_channel_credentials(root_certificate(replay))
    options = [("grpc.ssl_target_name_override", API_HOST)]
    address = f"127.0.0.1:{replay.port('caddy', 443)}"
    key = (replay.volume("admin-keys") / "admin.key").read_text().strip()
    async with grpc.aio.secure_channel(address, credentials, options) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        for _ in range(4):  # of both authorities
            await stub.ListTenants(
                admin_pb2.ListTenantsRequest(), metadata=[("authorization", f"Bearer {key}")]
            )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListTenants(admin_pb2.ListTenantsRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("service", ["authority-1", "authority-2", "edge-1", "edge-2", "dashboard"])
def test_services_need_no_rights(
    replay: ComposeReplay, service: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What the tests above see, services do with a read-only file system and no capabilities."""
    if not can_confine(tmp_path_factory.mktemp("confined")):
        pytest.skip("this system allows no mount namespaces")
    assert replay.is_confined(service)


def test_secrets_are_readable_by_their_users_only(replay: ComposeReplay) -> None:
    """Only the user of the image reads the secrets; the database's group reads its password."""
    for volume, files in SECRETS.items():
        for name, mode in files.items():
            assert stat.S_IMODE((replay.volume(volume) / name).stat().st_mode) == mode


def test_a_second_start_changes_no_secret(replay: ComposeReplay) -> None:
    """The scripts of the first start do nothing when they run again."""
    files = [replay.volume(volume) / name for volume, names in SECRETS.items() for name in names]
    before = [file.read_bytes() for file in files]
    for script in ("create-passwords", "create-admin-key", "create-edge-key"):
        replay.run_script(script)
    assert [file.read_bytes() for file in files] == before


def test_the_operator_can_check_the_installation(replay: ComposeReplay) -> None:
    """The check of the page finds the database, the keyring and an authority without a problem."""
    findings = replay.run_cli("doctor", "--database", "--api-key-file", "/keys/admin.key")
    assert "They match the database" in findings
    assert "ok      authority: It is ready" in findings


def test_the_operator_can_scrub(replay: ComposeReplay) -> None:
    """The role of the database is no superuser, and may still remove old WAL."""
    assert "and the WAL" in replay.run_cli("scrub")


def test_the_database_has_safe_settings(replay: ComposeReplay) -> None:
    """The authority warns about no setting of the database."""
    assert "unsafe database setting" not in replay.log("authority-1")


def test_prometheus_finds_metrics(replay: ComposeReplay) -> None:
    """Each target of Prometheus is a service on its network, and returns metrics."""
    config = yaml.safe_load((ROOT / "deploy/prometheus.yaml").read_text("utf-8"))
    targets = {
        each["job_name"]: [target for part in each["static_configs"] for target in part["targets"]]
        for each in config["scrape_configs"]
    }
    assert {job: len(found) for job, found in targets.items()} == {
        "hushpost-authority": 2,
        "hushpost-edge": 2,
        "hushpost-dashboard": 1,
    }
    for target in (target for found in targets.values() for target in found):
        name, _, port = target.partition(":")
        assert "metrics" in services()[name]["networks"]
        url = f"http://127.0.0.1:{replay.port(name, int(port))}/metrics"
        with urlopen(url) as response:
            assert b"# TYPE " in response.read()


def test_links_redirect_while_an_edge_is_down(replay: ComposeReplay, link: str) -> None:
    """Caddy sends requests to the edge that runs, whichever it is."""
    assert replay.stop("edge-1") == 0
    assert secure_get(replay, CLICK_HOST, link).status == 302
    replay.start("edge-1")
    assert replay.stop("edge-2") == 0
    assert secure_get(replay, CLICK_HOST, link).status == 302
