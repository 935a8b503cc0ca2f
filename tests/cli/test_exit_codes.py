"""Every exit code of the table in docs/reference/cli.md, from a real command."""

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from hushpost_cli import _exit
from hushpost_cli._app import build
from tests.authority import HUSHPOST
from tests.conftest import RunningAuthority, TenantKeys

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"
NO_AUTHORITY = "127.0.0.1:1"
SECONDS = 60


def test_the_table_has_every_code() -> None:
    """The page and the constants agree."""
    _, _, section = PAGE.read_text("utf-8").partition("\n## Exit codes\n")
    section, _, _ = section.partition("\n## ")
    codes = {value for name, value in vars(_exit).items() if name.isupper() and type(value) is int}
    assert set(map(int, re.findall(r"^\| (\d+) \|", section, re.MULTILINE))) == {0, *codes}


async def test_done(hushpost: Any, authority: RunningAuthority, tenant: TenantKeys) -> None:
    """0: done."""
    done = await hushpost("campaigns", "--authority", authority.target, key=tenant.sender_key)
    assert done.code == 0


async def test_failed(hushpost: Any, authority: RunningAuthority, tenant: TenantKeys) -> None:
    """1: the authority rejects the values."""
    done = await hushpost(
        "consent", "get", "", "--authority", authority.target, key=tenant.sender_key
    )
    assert (done.code, done.err.count("\n")) == (_exit.FAILED, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["keys"],
        ["keys", "create", "nonsense", "-"],
        ["stats"],
        ["stats", "spring", "--nonsense"],
        ["serve", "--nonsense"],
        ["campaigns", "--limit", "0"],
        ["consent", "set", "ann"],
        ["erase", "absent.csv", "--tenant", "acme"],
    ],
    ids=str,
)
def test_wrong_command_line(arguments: list[str]) -> None:
    """2: the command line or the file is wrong; one line says how."""
    done = CliRunner().invoke(build(), arguments, env={"HUSHPOST_API_KEY": "hp_key"})
    assert done.exit_code == _exit.USAGE
    assert re.fullmatch(r"hushpost: .+\n", done.stderr)


async def test_wrong_command_line_of_a_process(hushpost: Any) -> None:
    """2: the shell gets the same code."""
    assert (await hushpost("nonsense")).code == _exit.USAGE


def test_no_key() -> None:
    """2: no API key is given."""
    done = CliRunner().invoke(build(), ["campaigns"], env={"HUSHPOST_API_KEY": None})
    assert (done.exit_code, "no API key" in done.stderr) == (_exit.USAGE, True)


async def test_partly(import_into: Any, contacts: Any) -> None:
    """3: done except for rows that are not valid."""
    assert (await import_into(contacts("contact_id,doNotTrack\nann,1\nbob,perhaps\n"))).code == 3


async def test_unreachable(hushpost: Any) -> None:
    """4: nothing listens at the address of the authority."""
    done = await hushpost("campaigns", "--authority", NO_AUTHORITY)
    assert (done.code, done.err.count("\n")) == (_exit.UNREACHABLE, 1)


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", _exit.UNREACHABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", _exit.UNREACHABLE),
        (grpc.StatusCode.UNAUTHENTICATED, "API_KEY_REVOKED", _exit.REFUSED),
        (grpc.StatusCode.PERMISSION_DENIED, "TENANT_NOT_ALLOWED", _exit.REFUSED),
        (grpc.StatusCode.NOT_FOUND, "TENANT_NOT_FOUND", _exit.NOT_FOUND),
        (grpc.StatusCode.INTERNAL, "INTERNAL", _exit.FAILED),
    ],
)
async def test_an_import_has_the_same_codes(
    import_into: Any, contacts: Any, service: Any, status: Any, reason: str, code: int
) -> None:
    """Commands that report their progress, too, exit with the code of the error."""
    service.script = [(status, reason)] * 20
    done = await import_into(contacts("contact_id\nann\n"))
    assert (done.code, reason in done.err) == (code, True)


async def test_refused(hushpost: Any, authority: RunningAuthority, tenant: TenantKeys) -> None:
    """5: the key is unknown, or of another role."""
    fixed = ("campaigns", "--authority", authority.target)
    for key in ("hp_wrong", tenant.edge_key):
        assert (await hushpost(*fixed, key=key)).code == _exit.REFUSED


async def test_not_found(hushpost: Any, authority: RunningAuthority, tenant: TenantKeys) -> None:
    """6: there is no such campaign. The error ends with the id of the call."""
    done = await hushpost(
        "stats", "nonsense", "--authority", authority.target, key=tenant.reporter_key
    )
    assert done.code == _exit.NOT_FOUND
    assert re.search(r" \(call [0-9a-f]{16}\)\n\Z", done.err)


async def test_interrupted() -> None:
    """130: Ctrl-C while a server does not respond; no traceback."""
    connected = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()  # until the process ends
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(HUSHPOST, "campaigns", "--authority", f"127.0.0.1:{port}"),
        env={"HUSHPOST_API_KEY": "hp_key"},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.wait_for(connected.wait(), SECONDS)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        server.close()
        await server.wait_closed()
    assert (process.returncode, err) == (_exit.INTERRUPTED, b"hushpost: interrupted\n")
