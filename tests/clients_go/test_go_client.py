"""The client in Go, `clients/go`: its own tests, with a running authority, and its example."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hushpost_client import PageBranding, PolicyUpdate
from tests.conftest import RunningAuthority, TenantKeys, make_tenant

CLIENT = Path(__file__).parents[2] / "clients/go"
GO = shutil.which("go") or ""
# As in "make go-check", so that both share what they compile. Without C there is less of it.
SETTINGS = {"GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}

pytestmark = [
    pytest.mark.skipif(not GO, reason="there is no Go"),
    # The first run compiles gRPC.
    pytest.mark.timeout(600),
]


@pytest.fixture
async def tenant(authority: RunningAuthority) -> TenantKeys:
    """A new tenant, whose contacts may decline to be identified on a page of its own looks."""
    branding = PageBranding(accent_color="#336699", intro={"de": "Hallo"})
    return await make_tenant(authority, PolicyUpdate(anonymization_enabled=True, branding=branding))


@pytest.fixture
def key_files(tenant: TenantKeys, tmp_path: Path) -> dict[str, Path]:
    """A file with an API key for each role."""
    keys = {"SENDER": tenant.sender_key, "EDGE": tenant.edge_key, "REPORTER": tenant.reporter_key}
    files = {role: tmp_path / f"{role.lower()}.key" for role in keys}
    for role, file in files.items():
        file.write_text(keys[role] + "\n")
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


def test_the_tests_of_the_client_pass(
    authority: RunningAuthority, key_files: dict[str, Path]
) -> None:
    """The Go tests pass with a running authority, and none is skipped.

    "make go-check" runs vet.
    """
    names = {f"HUSHPOST_TEST_{role}_KEY_FILE": str(file) for role, file in key_files.items()}

    output = go(
        *("test", "-v", "-vet=off", "-count=1", "./..."),
        environment={"HUSHPOST_TEST_AUTHORITY": authority.target, **names},
    )

    assert "--- PASS: TestEventsAreCounted" in output
    assert "--- SKIP" not in output


def test_the_example_sends_and_reports(
    authority: RunningAuthority, key_files: dict[str, Path]
) -> None:
    """The example prints tracked links for both recipients, and a report."""
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
