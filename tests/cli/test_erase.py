"""`hushpost erase` as a process."""

import asyncio
import csv
import os
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest

from hushpost.v1 import preference_pb2

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")


@pytest.fixture
def erase(hushpost: Any, service: Any) -> Any:
    """Run `hushpost erase` against the fake service."""

    async def run(path: Path, *options: str | Path, stdin: str = "") -> Any:
        fixed = (path, "--tenant", "acme", "--authority", service.target)
        return await hushpost("erase", *fixed, *options, stdin=stdin)

    return run


def ids(service: Any) -> list[str]:
    """Return the sorted contact ids of all erasures."""
    return sorted(request.contact_id for request in service.erasures)


async def test_contacts_are_erased(erase: Any, contacts: Any, service: Any) -> None:
    """Each contact is erased once; ignored columns are listed."""
    path = contacts("name;contact_id;doNotTrack\nAnn;ann;1\nBob;bob;\n")
    done = await erase(path, "--yes")
    assert (done.code, done.out) == (0, "contacts.csv: 2 rows, 2 contacts erased\n")
    assert done.err == "contacts.csv: ignoring the columns name, doNotTrack\n"
    assert ids(service) == ["ann", "bob"]
    assert {request.tenant_id for request in service.erasures} == {"acme"}
    assert {request.proof for request in service.erasures} == {preference_pb2.PROOF_DELETE}
    await erase(path, "--yes", "--proof", "pseudonymize")
    assert service.erasures[-1].proof == preference_pb2.PROOF_PSEUDONYMIZE


async def test_a_second_run_repeats_the_requests_of_the_first(
    erase: Any, contacts: Any, service: Any
) -> None:
    """The same file makes the same requests; another file or `--proof` makes new ones."""
    for content, proof in (("ann\n", "delete"), ("ann\n", "delete"), ("ann\n", "pseudonymize")):
        await erase(contacts(f"contact_id\n{content}bob\n"), "--yes", "--proof", proof)
    await erase(contacts("contact_id\nann\n"), "--yes")
    by_contact: dict[str, list[str]] = {}
    for request in service.erasures:
        UUID(request.request_id)
        by_contact.setdefault(request.contact_id, []).append(request.request_id)
    first, again, proof_else, file_else = by_contact["ann"]
    assert first == again
    assert len({first, proof_else, file_else, *by_contact["bob"]}) == 5


async def test_erasing_asks_for_confirmation(erase: Any, contacts: Any, service: Any) -> None:
    """Without `--yes`, the command asks; any answer but yes erases no contact and exits with 2."""
    path = contacts("contact_id\nann\nbob\n\tcid\n")
    for answer, words in (("n\n", "no contact was erased"), ("", "use --yes to skip the question")):
        done = await erase(path, stdin=answer)
        assert (done.code, service.erasures) == (2, [])
        assert "erase 2 contacts of acme (1 rows are bad and left out)?" in done.err
        assert words in done.err
    assert list(path.parent.iterdir()) == [path]
    assert (await erase(path, stdin="y\n")).code == 3
    assert ids(service) == ["ann", "bob"]


async def test_bad_rows_are_written_to_a_file(erase: Any, contacts: Any, service: Any) -> None:
    """Bad rows are written with line and reason; the others are erased; the exit code is 3."""
    path = contacts('contact_id,x\nann,1\n,2\nbob,"3"4\n\ncid ,5\ndan,6\n')
    done = await erase(path, "--yes")
    assert done.code == 3
    assert ids(service) == ["ann", "dan"]
    rejected = path.with_name("contacts.rejected.csv")
    assert f"3 rows rejected, see {rejected}" in done.out
    with rejected.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["line", "3", "4", "6"]
    assert rows[3][1] == "contact_id has leading or trailing blanks"


async def test_a_dry_run_changes_nothing(erase: Any, contacts: Any, service: Any) -> None:
    """`--dry-run` reports bad rows, asks nothing, erases no contact and writes nothing."""
    path = contacts("contact_id\nann\n\tbob\n")
    done = await erase(path, "--dry-run")
    assert (done.code, service.erasures) == (3, [])
    assert "2 rows, 1 good, 1 bad; no contact was erased" in done.out
    assert "line 3: contact_id has leading or trailing blanks" in done.out
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"name\nann\n", b"contact_id\nann\nb\xf6b\n"])
async def test_an_unreadable_file_erases_no_contact(
    erase: Any, contacts: Any, service: Any, content: bytes
) -> None:
    """A file that can't be read to its end is rejected before any call, with exit code 2."""
    done = await erase(contacts(content), "--yes")
    assert (done.code, service.erasures) == (2, [])


async def test_at_once_limits_concurrent_calls(erase: Any, contacts: Any, service: Any) -> None:
    """`--at-once` calls run concurrently, and no more."""
    service.script = [1.0] * 5
    run = asyncio.create_task(
        erase(contacts("contact_id\na\nb\nc\nd\ne\n"), "--yes", "--at-once", "3")
    )
    seen = 0
    while not run.done():
        seen = max(seen, len(service.erasures) if len(service.script) == 2 else 0)
        await asyncio.sleep(0.01)
    assert seen == 3
    assert (await run).code == 0
    assert ids(service) == ["a", "b", "c", "d", "e"]


async def test_a_call_is_retried_during_an_outage(erase: Any, contacts: Any, service: Any) -> None:
    """A call that fails as UNAVAILABLE is retried with the same request id."""
    service.script = [UNAVAILABLE, UNAVAILABLE]
    done = await erase(contacts("contact_id\nann\n"), "--yes")
    assert (done.code, len(service.erasures)) == (0, 3)
    assert len({request.request_id for request in service.erasures}) == 1


async def test_a_failure_reports_how_many_are_erased(
    erase: Any, contacts: Any, service: Any
) -> None:
    """After an error, no new call starts, calls in progress finish, and the result is printed."""
    service.script = [None, (grpc.StatusCode.INTERNAL, "INTERNAL")]
    path = contacts("contact_id\nann\nbob\ncid\n")
    done = await erase(path, "--yes", "--at-once", "1")
    assert (done.code, ids(service)) == (1, ["ann", "bob"])
    assert "INTERNAL: in words; 1 contacts are erased, 1 more may or may not be." in done.err
    service.script = [(grpc.StatusCode.PERMISSION_DENIED, "TENANT_NOT_ALLOWED")]
    done = await erase(path, "--yes", "--at-once", "1")
    assert "TENANT_NOT_ALLOWED: in words; 0 contacts are erased. Erasing" in done.err


async def test_an_interrupt_reports_the_progress(
    contacts: Any, service: Any, tmp_path: Path
) -> None:
    """Ctrl-C exits with 130 and prints how many contacts are erased."""
    service.script = [None, 30.0, 30.0]
    path = contacts("contact_id\nann\nbob\ncid\n")
    arguments = ["erase", str(path), "--tenant", "acme", "--yes", "--at-once", "2"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from hushpost_cli.main import app; app()", *arguments),
        *("--authority", service.target),
        cwd=tmp_path,
        env={**os.environ, "HUSHPOST_API_KEY": "hp_key"},
        stderr=asyncio.subprocess.PIPE,
    )
    while len(service.erasures) < 3:  # noqa: ASYNC110 - the service runs in this loop
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 130
    assert b"interrupted; 1 contacts are erased, 2 more may or may not be" in err
