"""`hushpost doctor` against real parts: healthy ones, and each with its fault."""

import asyncio
import json
import ssl
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hushpost_service.tokens.keyring import Keyring
from tests.certificate import Issuer
from tests.cli.doctor_faults import NOTHING, create_spool, serving
from tests.clocks import WallClock
from tests.conftest import RunningAuthority, TenantKeys
from tests.inspection import database_uri, on
from tests.sql.pooler import pooled

HOUR = 3600
TIMEOUT_SECONDS = 30


@pytest.fixture
def doctor(hushpost: Any) -> Any:
    """Run `hushpost doctor --json`; return the exit code and findings as (level, part: text)."""

    async def run(*arguments: str | Path, **how: Any) -> tuple[int, list[tuple[str, str]]]:
        done = await hushpost("doctor", "--json", *arguments, **how)
        findings = json.loads(done.out)
        assert all(finding["advice"] for finding in findings if finding["level"] != "ok")
        return done.code, [(each["level"], f"{each['part']}: {each['text']}") for each in findings]

    return run


def bad(findings: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the findings that are not ok, apart from the space of this machine's disk."""
    return [each for each in findings if each[0] != "ok" and " GiB left" not in each[1]]


async def test_a_healthy_installation_has_no_problem(
    doctor: Any, authority: RunningAuthority
) -> None:
    """The database, the keyring and the authority are checked while the authority runs."""
    code, findings = await doctor(
        *("--database", "--data-dir", authority.process.data_dir, "--authority", authority.target),
        key=authority.admin_key,
    )
    assert (code, bad(findings)) == (0, [])
    texts = "\n".join(text for _, text in findings)
    for expected in (
        "database: PostgreSQL 1",
        "database: The role has the rights",
        "database: Settings for durability and logging are safe.",
        "database: The schema has revision",
        "clock: This machine and the database have the same time.",
        "waiting work: 0 jobs of anonymization are pending.",
        "waiting work: No release of anonymous counts is late.",
        "waiting work: The next partition of events exists.",
        "They match the database. Key 1 seals new tokens.",
        "authority: It is ready.",
        "API key: The key is valid; its role is ADMIN, of the installation.",
    ):
        assert expected in texts


async def test_the_report_for_people_says_what_to_do(hushpost: Any) -> None:
    """A line per finding, and below a problem what to do."""
    done = await hushpost("doctor", "--edge", f"http://{NOTHING}")
    assert (done.code, done.err) == (1, "")
    version, problem, advice, _runbook = done.out.splitlines()
    assert version.startswith("ok      version: hushpost ")
    assert problem.startswith(f"problem edge: http://{NOTHING} can't be reached: ")
    assert advice.startswith("        -> Check that hushpost edge runs there.")


async def test_nothing_to_check_is_an_error(hushpost: Any) -> None:
    """A report about nothing would look good."""
    done = await hushpost("doctor")
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("role", ["sender", "reporter", "edge", "admin"])
async def test_the_role_of_the_key_is_found_out(
    doctor: Any, authority: RunningAuthority, tenant: TenantKeys, role: str
) -> None:
    """In every role."""
    key = getattr(tenant, f"{role}_key")
    code, findings = await doctor("--authority", authority.target, key=key)
    scope = f", of {tenant.tenant_id}" if role == "admin" else ""
    text = f"API key: The key is valid; its role is {role.upper()}{scope}."
    assert (code, findings[-1]) == (0, ("ok", text))


async def test_a_wrong_or_missing_key(doctor: Any, authority: RunningAuthority) -> None:
    """A wrong key is a problem; without one the rest is checked."""
    code, findings = await doctor("--authority", authority.target, key="hp_wrong")
    assert (code, len(bad(findings))) == (1, 1)
    assert "API key: The key is refused: API_KEY_INVALID" in findings[-1][1]
    code, findings = await doctor("--authority", authority.target, key=None)
    assert (code, bad(findings)[0][0]) == (0, "warning")


async def test_an_authority_that_is_none(doctor: Any) -> None:
    """Nothing listens at the address, or something else does."""
    code, findings = await doctor("--authority", NOTHING)
    assert code == 1
    assert bad(findings)[0][1].startswith(f"authority: {NOTHING} can't be reached: ")
    async with serving(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        code, findings = await doctor("--authority", address)
    assert code == 1
    assert [text for _, text in bad(findings)] == [
        "authority: It does not respond to gRPC: UNAVAILABLE."
    ]


async def test_the_certificate_is_checked(doctor: Any, tmp_path: Path) -> None:
    """An untrusted certificate is a problem, and so is one that expires in a day."""
    issuer = Issuer.create("servers")
    chain, private_key = issuer.issue("authority.example.com")
    for name, content in {
        "ca.pem": issuer.certificate,
        "other.pem": Issuer.create("others").certificate,
        "chain.pem": chain,
        "key.pem": private_key,
    }.items():
        (tmp_path / name).write_bytes(content)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    async with serving(b"", context) as address:
        trusted = await doctor("--authority", address, "--ca-file", tmp_path / "ca.pem")
        others = await doctor("--authority", address, "--ca-file", tmp_path / "other.pem")
        absent = await doctor("--authority", address, "--ca-file", tmp_path / "absent.pem")
    async with serving(b"") as address:
        plain = await doctor("--authority", address, "--tls")
    assert ("problem", "certificate: The certificate is valid for 0 more days.") in trusted[1]
    assert "certificate: The certificate is not valid: " in bad(others[1])[0][1]
    assert "absent.pem" in str(bad(absent[1])) or "No such file" in str(bad(absent[1]))
    assert "certificate: There is no TLS at " in bad(plain[1])[0][1]


@pytest.mark.parametrize(
    ("status", "body", "level", "text"),
    [
        ("200 OK", "ok\n", "ok", "is ready."),
        ("200 OK", "ok, but the spool is full: events are dropped\n", "problem", "is full"),
        ("200 OK", "<!doctype html>\n<p>Sign in", "problem", "does not respond as an edge."),
        ("503 Busy", "links have not been received yet\n", "problem", "503 links have not been"),
        ("404 Not Found", "", "problem", "404"),
    ],
)
async def test_an_edge_is_ready_or_not(
    doctor: Any, status: str, body: str, level: str, text: str
) -> None:
    """What `/readyz` says."""
    response = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    async with serving(response.encode()) as address:
        code, findings = await doctor("--edge", f"http://{address}")
    assert (code, findings[-1][0]) == (int(level == "problem"), level)
    assert text in findings[-1][1]


@pytest.mark.parametrize(
    ("seconds", "level"), [(1, "ok"), (HOUR, "warning"), (25 * HOUR, "problem")]
)
async def test_the_age_of_a_spool(doctor: Any, tmp_path: Path, seconds: int, level: str) -> None:
    """Events that wait for long are not shipped."""
    code, findings = await doctor("--spool", create_spool(tmp_path, seconds=seconds))
    found = next(each for each in findings if "wait to be shipped" in each[1])
    assert (code, found[0]) == (int(level == "problem"), level)
    assert found[1].startswith("spool: 3 events wait to be shipped")


async def test_a_spool_that_is_full_or_in_quarantine(doctor: Any, tmp_path: Path) -> None:
    """Its size, a full disk, quarantined events, and secrets that others can read are reported."""
    folder = create_spool(tmp_path, seconds=1, quarantined=50_000)
    (folder / "spool" / "reserve").touch()
    key = tmp_path / "edge.key"
    key.write_text("hp_key")
    key.chmod(0o644)
    keys = folder / "keys"
    keys.mkdir(mode=0o755)
    environment = {"HUSHPOST_EDGE_SPOOL_BYTES": "1048576", "HUSHPOST_EDGE_API_KEY_FILE": str(key)}
    code, findings = await doctor("--spool", folder, environment=environment)
    texts = [text for _, text in bad(findings)]
    assert (code, len(texts)) == (1, 5)
    assert "% of the bytes that it may" in texts[0]
    assert texts[1] == "spool: The disk was full: the edge drops events."
    assert texts[2].startswith("spool: 50,000 events are in quarantine")
    assert texts[2].endswith("TOKEN_KEY_UNKNOWN.")
    assert texts[3].startswith(f"files: Other users have access to {keys}")
    assert texts[4].startswith(f"files: {key} can't be used: every user")


async def test_a_folder_without_a_spool(doctor: Any, tmp_path: Path) -> None:
    """Another folder is reported as such."""
    code, findings = await doctor("--spool", tmp_path)
    assert (code, len(bad(findings))) == (1, 1)


@pytest.fixture
def database(doctor: Any, authority: RunningAuthority, tmp_path: Path) -> Any:
    """Run `hushpost doctor --database` with another database of the authority's server."""

    async def run(uri: str, *options: str | Path) -> tuple[int, list[tuple[str, str]]]:
        environment = {"HUSHPOST_DATABASE_URL": uri, "HUSHPOST_DATA_DIR": str(tmp_path)}
        return await doctor("--database", *options, environment=environment)  # type: ignore[no-any-return]

    return run


@pytest.fixture
async def restricted(authority: RunningAuthority) -> AsyncIterator[str]:
    """The address of a new database, for a role without rights and with unsafe settings."""
    server = database_uri(authority.process.data_dir)
    name = f"d_{uuid.uuid4().hex[:12]}"
    async with on(server) as connection:
        await connection.execute(f"create role {name} login")
        await connection.execute(f"create database {name}")
        await connection.execute(f"alter role {name} set log_error_verbosity = 'verbose'")
    yield server.replace("/postgres?", f"/{name}?").replace("postgres@", f"{name}@")
    async with on(server) as connection:
        await connection.execute(f"drop database {name} with (force)")
        await connection.execute(f"drop role {name}")


async def test_missing_rights_and_unsafe_settings(database: Any, restricted: str) -> None:
    """Rights that the role lacks, and settings that would put values into the log."""
    code, findings = await database(restricted)
    texts = [text for _, text in bad(findings)]
    assert code == 1
    assert any("lacks rights" in text and "CREATE on the schema" in text for text in texts)
    assert any("log_error_verbosity is verbose" in text for text in texts)
    assert ("warning", "database: The database has no schema yet.") in findings


async def test_a_schema_of_a_later_release(database: Any, restricted: str) -> None:
    """An unknown revision is a problem."""
    _, _, rest = restricted.partition("@")
    async with on(f"postgresql://postgres@{rest}") as connection:
        await connection.execute("create table alembic_version (version_num text)")
        await connection.execute("create table keyring_keys (key_id int, fingerprint bytea)")
        await connection.execute("insert into alembic_version values ('9999')")
        await connection.execute("grant select on all tables in schema public to public")
    code, findings = await database(restricted)
    assert (code, "revision 9999, which is newer" in str(bad(findings))) == (1, True)


async def test_a_database_that_is_not_reached(database: Any, hushpost: Any, tmp_path: Path) -> None:
    """The password of the address is not printed."""
    uri = f"postgresql://hush:s3cret@{NOTHING}/hush"
    code, findings = await database(uri)
    assert code == 1
    assert bad(findings)[0][1].startswith("database: The database can't be reached: ")
    assert "s3cret" not in str(findings)


async def test_a_pooler_without_a_free_session(database: Any, authority: RunningAuthority) -> None:
    """The check does not wait until the pooler ends the connection."""
    async with pooled(database_uri(authority.process.data_dir), sessions=1) as uri, on(uri):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            code, findings = await database(uri)
    assert code == 1
    assert bad(findings)[0][1].startswith("database: The database did not answer within ")


async def test_a_folder_without_a_database_stays_empty(doctor: Any, tmp_path: Path) -> None:
    """No database is created only to check it."""
    folder = tmp_path / "data"
    folder.mkdir()
    code, findings = await doctor("--database", "--data-dir", folder)
    assert (code, bad(findings)[0][1]) == (
        1,
        f"database: There is no embedded database in {folder}.",
    )
    assert list(folder.iterdir()) == []


async def test_a_keyring_that_can_not_be_used(
    doctor: Any, authority: RunningAuthority, tmp_path: Path
) -> None:
    """Of another database, readable by every user, missing or damaged."""
    data_dir = authority.process.data_dir
    other, opened, damaged = (tmp_path / name for name in ("other", "opened", "damaged"))
    Keyring.generate().save(other)
    opened.write_bytes((data_dir / "keyring.json").read_bytes())
    opened.chmod(0o644)
    damaged.write_text("{}")
    damaged.chmod(0o600)
    for path, text in {
        other: "belongs to another database",
        opened: "every user of this machine has access to it",
        damaged: "is malformed",
        tmp_path / "Absent": "No such file",
    }.items():
        code, findings = await doctor("--database", "--data-dir", data_dir, "--keyring", path)
        (found,) = bad(findings)
        assert (code, found[0]) == (1, "problem")
        assert text in found[1]
        assert str(path) in found[1]


async def test_a_wrong_clock_of_this_machine(
    doctor: Any, authority: RunningAuthority, tmp_path: Path
) -> None:
    """It is compared with the database's."""
    clock = WallClock(tmp_path / "clock", timedelta(minutes=-10))
    code, findings = await doctor(
        "--database", "--data-dir", authority.process.data_dir, environment=clock.environment
    )
    (found,) = bad(findings)
    assert (code, found[0]) == (0, "warning")
    assert "seconds behind the database's" in found[1]


@pytest.mark.parametrize(
    ("library", "options"),
    [("asyncpg", ["--database"]), ("pydantic_settings", ["--spool", "edge"])],
)
def test_a_part_whose_extra_is_missing(library: str, options: list[str]) -> None:
    """The other parts are checked, and the extra is named."""
    code = f"import sys; sys.modules[{library!r}] = None; from hushpost_cli.main import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", "--edge", f"http://{NOTHING}", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "-> pip install 'hushpost[" in done.stdout
    assert "edge: http://127.0.0.1:1 can't be reached" in done.stdout
