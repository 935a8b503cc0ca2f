"""Runs the tests and the example of the Node client against a real authority."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from hushpost_client import Consent
from tests.certificate import self_signed
from tests.conftest import Clients, RunningAuthority, TenantKeys

from .conftest import NodePackage

TOKEN = r"[\w-]{56}"


@pytest.fixture
def key_files(tenant: TenantKeys, tmp_path: Path) -> Mapping[str, Path]:
    """Files with the API keys of a new tenant, by role."""
    files = {}
    for role, key in (
        ("SENDER", tenant.sender_key),
        ("REPORTER", tenant.reporter_key),
        ("EDGE", tenant.edge_key),
    ):
        files[role] = tmp_path / f"{role.lower()}.key"
        files[role].write_text(f"{key}\n")
    return files


@pytest.mark.parametrize("suite", ["authority", "calls", "channel", "retries"])
async def test_the_tests_of_the_client_pass(
    package: NodePackage,
    authority: RunningAuthority,
    key_files: Mapping[str, Path],
    suite: str,
) -> None:
    """Each file of `clients/node/test` passes; those of the authority run with real API keys."""
    certificate, private_key = self_signed()
    output = await package.must_run(
        *("node", "--test", "--test-timeout=60000", f"build/test/{suite}.test.js"),
        HUSHPOST_TEST_TARGET=authority.target,
        HUSHPOST_TEST_CERTIFICATE=certificate.decode(),
        HUSHPOST_TEST_CERTIFICATE_KEY=private_key.decode(),
        **{f"HUSHPOST_TEST_{role}_KEY_FILE": file for role, file in key_files.items()},
    )
    assert re.search(r"^. pass [1-9]", output, re.MULTILINE), output
    assert re.search(r"^. skipped 0$", output, re.MULTILINE), output


def test_no_test_of_the_client_is_left_out(package: NodePackage) -> None:
    """The suites above are all there are."""
    found = sorted(file.name for file in (package.folder / "test").glob("*.test.ts"))
    assert found == ["authority.test.ts", "calls.test.ts", "channel.test.ts", "retries.test.ts"]


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
