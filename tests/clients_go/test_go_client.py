"""The client in Go, `clients/go`: its own tests, with a running authority, and its example."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hushpost_client import PageBranding, PolicyUpdate
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.dns_server import dns_server

CLIENT = Path(__file__).parents[2] / "clients/go"
GO = shutil.which("go") or ""
# As in "make go-check", so that both share what they compile. Without C there is less of it.
SETTINGS = {"GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}

pytestmark = [
    pytest.mark.skipif(not GO, reason="there is no Go"),
    # The first run compiles gRPC.
    pytest.mark.timeout(600),
]


async def new_tenant(authority: RunningAuthority) -> TenantKeys:
    """Create a tenant, whose contacts may decline to be identified on a page of its own looks."""
    branding = PageBranding(accent_color="#336699", intro={"de": "Hallo"})
    return await make_tenant(authority, PolicyUpdate(anonymization_enabled=True, branding=branding))


def write_keys(folder: Path, authority: RunningAuthority, tenant: TenantKeys) -> dict[str, Path]:
    """Write the API keys of a tenant, and that of the installation, to files by role."""
    files = {}
    for role, key in (
        ("SENDER", tenant.sender_key),
        ("EDGE", tenant.edge_key),
        ("REPORTER", tenant.reporter_key),
        ("ADMIN", tenant.admin_key),
        ("INSTALLATION", authority.admin_key),
    ):
        files[role] = folder / f"{role.lower()}.key"
        files[role].write_text(f"{key}\n")
    return files


def go(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run a command of Go in the folder of the client and return what it prints."""
    done = subprocess.run(
        [GO, *arguments],
        cwd=CLIENT,
        env={**os.environ, **SETTINGS, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


async def test_the_tests_of_the_client_pass(tmp_path: Path) -> None:
    """The Go tests pass with a running authority, and none is skipped.

    The authority's DNS has the TXT record of one pending domain. "make go-check" runs vet.
    """
    async with dns_server() as dns:
        with AuthorityProcess(
            tmp_path / "data", "--dns-server", dns.address, "--edge-host", "edge.example"
        ) as process:
            authority = RunningAuthority.of(process)
            tenant = await new_tenant(authority)
            async with authority.client(tenant.admin_key) as client:
                domain = await client.domains.add_tracking_domain("proven.example")
            dns.texts[domain.dns_records[0].name] = [domain.dns_records[0].value]
            files = write_keys(tmp_path, authority, tenant)
            # In a thread, because this one serves the DNS.
            output = await asyncio.to_thread(
                go,
                *("test", "-v", "-vet=off", "-count=1", "./..."),
                environment={
                    "HUSHPOST_TEST_AUTHORITY": authority.target,
                    "HUSHPOST_TEST_PROVEN_DOMAIN": domain.domain,
                    **{f"HUSHPOST_TEST_{role}_KEY_FILE": str(file) for role, file in files.items()},
                },
            )

    assert "--- PASS: TestEventsAreCounted" in output
    assert "--- SKIP" not in output


async def test_the_example_sends_and_reports(authority: RunningAuthority, tmp_path: Path) -> None:
    """The example prints tracked links for both recipients, and a report."""
    key_files = write_keys(tmp_path, authority, await new_tenant(authority))
    output = go(
        *("run", "./examples/sender", "-authority", authority.target),
        *("-sender-key", str(key_files["SENDER"]), "-reporter-key", str(key_files["REPORTER"])),
        "spring",
    )

    assert "ada@example.com: opens IDENTIFIED, clicks IDENTIFIED\n" in output
    assert "bob@example.com: opens ANONYMOUS, clicks ANONYMOUS\n" in output
    assert len(re.findall(r"https://click\.example\.com/o/[\w-]{56}\.gif\n", output)) == 2
    assert len(re.findall(r"https://click\.example\.com/c/[\w-]{56}/1\n", output)) == 2
    assert len(re.findall(r"https://click\.example\.com/p/[\w-]+\n", output)) == 2
    assert output.endswith("sent: 2, opened by 0 identified people\n")
