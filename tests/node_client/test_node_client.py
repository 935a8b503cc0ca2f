"""Runs the tests and the example of the Node client against a real authority."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from hushpost_client import Consent
from tests.authority import AuthorityProcess
from tests.certificate import self_signed
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.dns_server import dns_server

from .conftest import NodePackage

TOKEN = r"[\w-]{56}"


def write_keys(folder: Path, authority: RunningAuthority, tenant: TenantKeys) -> dict[str, Path]:
    """Write the API keys of a tenant, and that of the installation, to files by role."""
    files = {}
    for role, key in (
        ("SENDER", tenant.sender_key),
        ("REPORTER", tenant.reporter_key),
        ("EDGE", tenant.edge_key),
        ("ADMIN", tenant.admin_key),
        ("INSTALLATION", authority.admin_key),
    ):
        files[role] = folder / f"{role.lower()}.key"
        files[role].write_text(f"{key}\n")
    return files


@pytest.fixture
def key_files(authority: RunningAuthority, tenant: TenantKeys, tmp_path: Path) -> dict[str, Path]:
    """Files with the API keys of a new tenant, and that of the installation."""
    return write_keys(tmp_path, authority, tenant)


@pytest.mark.parametrize("suite", ["admin", "authority", "calls", "channel", "retries", "secrets"])
async def test_the_tests_of_the_client_pass(
    package: NodePackage,
    authority: RunningAuthority,
    key_files: Mapping[str, Path],
    suite: str,
) -> None:
    """Each file of `clients/node/test` passes; those of the authority run with real API keys."""
    certificate, private_key = self_signed()
    await run_suite(
        package,
        suite,
        key_files,
        HUSHPOST_TEST_TARGET=authority.target,
        HUSHPOST_TEST_CERTIFICATE=certificate.decode(),
        HUSHPOST_TEST_CERTIFICATE_KEY=private_key.decode(),
    )


async def test_the_tests_of_tracking_domains_pass(package: NodePackage, tmp_path: Path) -> None:
    """They run against an authority whose DNS has the TXT record of one pending domain."""
    name = "proven.example"
    async with dns_server() as dns:
        with AuthorityProcess(
            tmp_path / "data", "--dns-server", dns.address, "--edge-host", "edge.example"
        ) as process:
            authority = RunningAuthority.of(process)
            tenant = await make_tenant(authority)
            async with authority.client(tenant.admin_key) as client:
                domain = await client.domains.add_tracking_domain(name)
            dns.texts[domain.dns_records[0].name] = [domain.dns_records[0].value]
            await run_suite(
                package,
                "domains",
                write_keys(tmp_path, authority, tenant),
                HUSHPOST_TEST_TARGET=authority.target,
                HUSHPOST_TEST_PROVEN_DOMAIN=name,
            )


async def run_suite(
    package: NodePackage, suite: str, key_files: Mapping[str, Path], **variables: str
) -> None:
    """Run a file of `clients/node/test`, which must pass."""
    output = await package.must_run(
        *("node", "--test", "--test-timeout=60000", f"build/test/{suite}.test.js"),
        **variables,
        **{f"HUSHPOST_TEST_{role}_KEY_FILE": str(file) for role, file in key_files.items()},
    )
    assert re.search(r"^. pass [1-9]", output, re.MULTILINE), output
    assert re.search(r"^. skipped 0$", output, re.MULTILINE), output


def test_no_test_of_the_client_is_left_out(package: NodePackage) -> None:
    """The suites above are all there are."""
    suites = ["admin", "authority", "calls", "channel", "domains", "retries", "secrets"]
    found = sorted(file.name for file in (package.folder / "test").glob("*.test.ts"))
    assert found == [f"{suite}.test.ts" for suite in suites]


async def test_the_package_contains_the_licence(package: NodePackage) -> None:
    """`npm pack` adds the licence of the repository."""
    packed = json.loads(await package.must_run("npm", "pack", "--dry-run", "--json", "--silent"))
    assert "LICENSE" in {file["path"] for file in packed[0]["files"]}
    root = Path(__file__).parents[2]
    assert (package.folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()


async def test_the_example_prepares_a_mailing(
    package: NodePackage,
    authority: RunningAuthority,
    clients: Clients,
    key_files: Mapping[str, Path],
) -> None:
    """The example prints the URLs of each message, stores consent and prints a report."""
    output = await package.must_run(
        *("node", "build/examples/sender.js", "--authority", authority.target),
        *("--sender-key", key_files["SENDER"], "--reporter-key", key_files["REPORTER"]),
        *("--tracking-url", "https://t.example.com"),
    )
    assert len(set(re.findall(rf"https://t\.example\.com/c/({TOKEN})/1", output))) == 2
    assert len(re.findall(rf"https://t\.example\.com/o/{TOKEN}\.gif", output)) == 2
    assert len(re.findall(r"https://t\.example\.com/p/[\w-]{46}\n", output)) == 2
    assert "ada@example.com: opens ANONYMOUS, clicks IDENTIFIED" in output
    assert ": 2 messages" in output
    stored = await clients.sender.preferences.get_preference("ada@example.com")
    assert (stored.opens_consent, stored.clicks_consent) == (Consent.DENIED, Consent.GRANTED)


async def test_the_example_reports_an_error(
    package: NodePackage, authority: RunningAuthority, key_files: Mapping[str, Path]
) -> None:
    """A rejected call ends the example with the reason, not with a stack trace."""
    code, output = await package.run(
        *("node", "build/examples/sender.js", "--authority", authority.target),
        *("--sender-key", key_files["REPORTER"], "--reporter-key", key_files["REPORTER"]),
    )
    assert code == 1
    assert output.startswith("ROLE_NOT_ALLOWED: ")
    assert len(output.splitlines()) == 1


def test_the_package_has_the_version_of_the_distribution() -> None:
    """`package.json`, the user agent and `pyproject.toml` have the same version."""
    root = Path(__file__).parents[2]
    version = re.compile(r'\bversion"? ?[=:] "([\d.]+)"', re.IGNORECASE)
    found = {
        version.findall((root / file).read_text("utf-8"))[0]
        for file in ("pyproject.toml", "clients/node/package.json", "clients/node/src/version.ts")
    }
    assert len(found) == 1
